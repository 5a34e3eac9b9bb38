// SPDX-License-Identifier: Apache-2.0
#include "node-agent/admin_answer.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "core/view/viewer.h"
#include "generated/version.h"
#include "node-agent/agent.h"
#include "node-agent/debug_json.h"
#include "node-agent/debug_text.h"
#include "node-agent/event_loop.h"
#include "node-agent/foreign_closer.h"
#include "node-agent/look_window.h"
#include "node-agent/reload.h"
#include "transport/tcp/certificate.h"

namespace netbinder {
namespace {

using nlohmann::json;

json status_of(const Agent& agent) {
  json status;
  const Driver::Counts counts = agent.driver().counts();
  status["host"] = agent.config().host;
  status["cluster"] = agent.config().cluster;
  status["pid"] = ::getpid();
  status["version"] = kVersion;
  status["incarnation"] = agent.incarnation().value();
  status["hosts_configured"] = agent.config().hosts.size();
  status["hosts_connected"] = agent.connected_peers() + 1;
  status["counts"] = {{"processes", counts.processes},
                      {"threads", counts.threads},
                      {"nodes", counts.nodes},
                      {"refs", counts.refs},
                      {"transactions", counts.transactions},
                      {"deaths", counts.deaths},
                      {"buffers", counts.buffers},
                      {"relays", agent.relays()}};
  for (const Driver::ContextView& context : agent.driver().contexts()) {
    status["contexts"].push_back({{"name", context.name},
                                  {"scope", context.cluster_wide ? "cluster" : "host"},
                                  {"manager", context.manager}});
  }
  status["links"] = json::array();
  for (const LinkStatus& link : agent.links()) {
    status["links"].push_back(
        {{"host", link.name},
         {"address", link.address},
         {"transport", link.transport},
         {"transport_reason", link.transport_reason},
         {"state", link.state},
         {"bytes_sent", link.bytes_sent},
         {"bytes_received", link.bytes_received},
         {"messages_sent", link.messages_sent},
         {"messages_received", link.messages_received},
         {"reconnects", link.reconnects},
         {"last_failure", link.last_failure},
         {"up_for_ms", link.up_for_ms},
         {"round_trip_us", link.round_trip_us},
         {"clock_ahead_ms", link.clock_ahead_ms ? json(*link.clock_ahead_ms) : json(nullptr)},
         {"certificate_end_s", link.certificate_end_s},
         {"certificate_end",
          link.certificate_end_s == 0 ? "" : tcp::format_time(link.certificate_end_s)},
         {"unacknowledged_bytes", link.unacknowledged_bytes},
         {"payload_bytes_written", link.payload_bytes_written},
         {"payload_bytes_copied", link.payload_bytes_copied},
         {"payload_bytes_written_here", link.payload_bytes_written_here},
         {"payload_bytes_copied_here", link.payload_bytes_copied_here}});
  }
  status["waiting"] = {{"wake_up_ns", agent.look_window().wake_up_ns()},
                       {"look_ns", agent.look_window().ns()},
                       {"found_by_looking", agent.waits().found_by_looking},
                       {"slept", agent.waits().slept},
                       {"looked_in_vain", agent.waits().looked_in_vain},
                       {"crowded_looks", agent.waits().crowded_looks},
                       {"descriptors_to_close", waiting_to_be_closed()}};
  const ChannelStatistics& channels = agent.channel_statistics();
  const Statistics& driver = agent.driver().statistics();
  status["statistics"] = {{"requests", channels.requests},
                          {"doorbells", channels.doorbells},
                          {"wakeups", channels.wakeups},
                          {"bytes_read", channels.bytes_read},
                          {"calls_local", driver.calls_local},
                          {"calls_to_peers", driver.calls_to_peers},
                          {"calls_from_peers", driver.calls_from_peers},
                          {"failed_calls", driver.failed_calls},
                          {"payload_bytes_copied", driver.payload_bytes_copied}};
  return status;
}

// The usage of each user whom the viewer sees, with the limits, which root does not have.
json users_of(const Agent& agent, const Viewer& viewer) {
  const LimitSettings& limits = agent.config().limits;
  json users = json::array();
  for (const auto& [uid, usage] : agent.driver().users()) {
    if (!viewer.sees(uid)) continue;
    users.push_back({{"uid", uid},
                     {"processes", usage.processes.value()},
                     {"threads", usage.threads.value()},
                     {"nodes", usage.nodes.value()},
                     {"refs", usage.refs.value()},
                     {"files", agent.files_of(uid)}});
  }
  return {{"users", users},
          {"limits",
           {{"processes", limits.max_processes_per_user},
            {"threads", limits.max_threads_per_user},
            {"nodes", limits.max_nodes_per_user},
            {"refs", limits.max_refs_per_user},
            {"files", limits.max_files_per_user}}}};
}

json reload_now(Reload& reload, const Viewer& viewer) {
  if (viewer.euid) return {{"error", "only root and the agent's user may reload it"}};
  const auto outcome = reload.now();
  if (!outcome) return {{"error", outcome.error()}};
  return {{"changed", outcome->changed}, {"needs_restart", outcome->needs_restart}};
}

json answer(Agent& agent, Reload& reload, const Viewer& viewer, std::string_view line) {
  const json request = json::parse(line, nullptr, false);
  if (!request.is_object() || !request.contains("command") || !request["command"].is_string()) {
    return {{"error", "a request is one line of JSON with a \"command\""}};
  }
  const std::string command = request["command"];
  if (command == "status") return status_of(agent);
  if (command == "users") return users_of(agent, viewer);
  if (command == "reload") return reload_now(reload, viewer);
  agent.take_posted_reads();
  const auto as_json = request.find("json");
  if (as_json != request.end() && *as_json == true) {
    if (auto view = debug_file_json(agent.driver(), viewer, command)) return *std::move(view);
  } else if (auto text = debug_file_text(agent.driver(), viewer, command)) {
    return {{"text", *std::move(text)}};
  }
  return {{"error", "unknown command: " + command}};
}

}  // namespace

std::string answer_admin(Agent& agent, Reload& reload, const Viewer& viewer,
                         std::string_view line) {
  // Names of devices and texts from peers need not be UTF-8; invalid bytes show as U+FFFD.
  return answer(agent, reload, viewer, line).dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace netbinder
