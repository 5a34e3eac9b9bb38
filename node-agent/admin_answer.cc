// SPDX-License-Identifier: Apache-2.0
#include "node-agent/admin_answer.h"

#include <unistd.h>

#include <expected>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/view/viewer.h"
#include "node-agent/agent.h"
#include "node-agent/agent_status.h"
#include "node-agent/call_ring.h"
#include "node-agent/call_tracing.h"
#include "node-agent/debug_files.h"
#include "node-agent/process_loads.h"
#include "node-agent/recorded_calls.h"
#include "node-agent/reload.h"

namespace netbinder {
namespace {

using nlohmann::json;

json reload_now(Reload& reload, const Viewer& viewer) {
  if (viewer.euid) return {{"error", "only root and the agent's user may reload it"}};
  const auto outcome = reload.now();
  if (!outcome) return {{"error", outcome.error()}};
  return {{"changed", outcome->changed}, {"needs_restart", outcome->needs_restart}};
}

// Has calls recorded for some seconds; the ring goes with the answer.
json record_calls(Agent& agent, const Viewer& viewer, const json& request, int& fd) {
  if (viewer.euid) return {{"error", "only root and the agent's user may follow calls"}};
  const auto seconds = request.find("seconds");
  const std::int64_t most = CallTracing::kMost.count();
  const bool is_number = seconds != request.end() && seconds->is_number_integer();
  const std::int64_t wanted = is_number ? seconds->get<std::int64_t>() : 0;
  if (wanted < 1 || wanted > most) {
    return {{"error", "\"seconds\" is a number from 1 to " + std::to_string(most)}};
  }
  const auto ring = agent.call_tracing().record_for(std::chrono::seconds(wanted));
  if (!ring) return {{"error", ring.error()}};
  fd = *ring;
  json names = json::object();
  for (const HostSettings& host : agent.config().hosts) names[std::to_string(host.id)] = host.name;
  return {{"ring_version", call_ring::kVersion},
          {"ring_bytes", sizeof(call_ring::Ring)},
          {"agent_pid", ::getpid()},
          {"hosts", std::move(names)}};
}

// Answers tools of other hosts with the entries since the number that an earlier answer gave them.
std::expected<void, std::string> recorded_calls(Agent& agent, const Viewer& viewer,
                                                const json& request, RecordedCalls::Done later) {
  if (viewer.euid) return std::unexpected("only root and the agent's user may follow calls");
  RecordedCalls::Question question;
  if (const auto recording = request.find("recording"); recording != request.end()) {
    const auto since = request.find("since");
    if (!recording->is_string() || since == request.end() || !since->is_number_unsigned()) {
      return std::unexpected("\"recording\" and \"since\" are as an answer has told them");
    }
    question = {.recording = *recording, .since = *since};
  }
  RecordedAnswer::HostNames hosts;
  for (const HostSettings& host : agent.config().hosts) hosts[host.id] = host.name;
  return agent.recorded_calls().ask(question, std::move(hosts), std::move(later));
}

// Names of devices and texts from peers need not be UTF-8; invalid bytes show as U+FFFD.
std::string line_of(const json& answer) {
  return answer.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

// Users of other hosts may change nothing here, and a descriptor cannot be handed to them.
bool may_be_asked_from_afar(std::string_view command) {
  return command != "reload" && command != "record_calls";
}

void ask_peer(Agent& agent, std::uint32_t uid, json request,
              std::function<void(std::string)> later) {
  const std::string host = request["host"];
  request.erase("host");
  agent.ask_peer(host, uid, request.dump(-1, ' ', false, json::error_handler_t::replace),
                 [later = std::move(later)](std::expected<std::string, std::string> answer) {
                   later(answer ? std::move(*answer) : line_of({{"error", answer.error()}}));
                 });
}

// Nothing: it comes later.
std::optional<json> answer(Agent& agent, Reload& reload, const Asker& asker, std::string_view line,
                           int& fd, std::function<void(std::string)> later) {
  // The agent's own user is somebody here, not whoever has his number on another host.
  const Viewer viewer =
      Viewer::of_user(asker.uid, asker.where == Asker::Where::kHere ? ::geteuid() : 0);
  const json request = json::parse(line, nullptr, false);
  if (!request.is_object() || !request.contains("command") || !request["command"].is_string()) {
    return json{{"error", "a request is one line of JSON with a \"command\""}};
  }
  const std::string command = request["command"];
  const auto host = request.find("host");
  const bool from_afar = asker.where == Asker::Where::kOnAnotherHost;
  if (!from_afar && host != request.end() && !host->is_string()) {
    return json{{"error", "\"host\" is the name of a host"}};
  }
  const bool elsewhere = host != request.end() && *host != agent.config().host;
  if ((from_afar && host != request.end()) ||
      ((from_afar || elsewhere) && !may_be_asked_from_afar(command))) {
    return json{{"error", "that can be asked on the host itself only"}};
  }
  if (elsewhere) {
    ask_peer(agent, asker.uid, request, std::move(later));
    return std::nullopt;
  }
  if (command == "status") return status_of(agent);
  if (command == "users") return users_of(agent, viewer);
  if (command == "reload") return reload_now(reload, viewer);
  if (command == "loads") {
    if (!agent.loads().ask(viewer, std::move(later))) {
      return json{{"error", "one request of this user is being answered"}};
    }
    return std::nullopt;
  }
  if (command == "record_calls") return record_calls(agent, viewer, request, fd);
  if (command == "recorded_calls") {
    const auto asked = recorded_calls(agent, viewer, request, std::move(later));
    return asked ? std::nullopt : std::optional(json{{"error", asked.error()}});
  }
  const auto as_json = request.find("json");
  const bool object = as_json != request.end() && *as_json == true;
  const auto made = [command, later = std::move(later)](DebugFiles::Made file) {
    if (file.missing) file.line = line_of({{"error", "unknown command: " + command}});
    if (file.line.empty()) file.line = line_of({{"error", "the agent has no thread for it"}});
    later(std::move(file.line));
  };
  if (!agent.debug_files().ask(
          viewer, command, object ? DebugFiles::Form::kJson : DebugFiles::Form::kTextInJson, made)) {
    return json{{"error", "too many requests of this user"}};
  }
  return std::nullopt;
}

}  // namespace

std::optional<AdminAnswer> answer_admin(Agent& agent, Reload& reload, const Asker& asker,
                                        std::string_view line,
                                        std::function<void(std::string)> later) {
  int fd = -1;
  const auto now = answer(agent, reload, asker, line, fd, std::move(later));
  if (!now) return std::nullopt;
  return AdminAnswer{.line = line_of(*now), .fd = fd};
}

}  // namespace netbinder
