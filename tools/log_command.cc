// SPDX-License-Identifier: Apache-2.0
// log: the last calls and replies, or those that failed and why.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "tools/calls/call_record.h"
#include "tools/calls/program_names.h"
#include "tools/commands.h"
#include "tools/host_answers.h"

namespace netbinder::tools {

namespace {

std::uint64_t number_in(const nlohmann::json& value) {
  return value.is_string() ? std::stoull(value.get<std::string>()) : value.get<std::uint64_t>();
}

// "hello_client(1234/1236)", or the name of a host; "pid(1234)" if programs are not known by name.
std::string end_of_entry(const nlohmann::json& end, std::optional<ProgramNames>& programs) {
  if (end.contains("host")) return "@" + end["host"].get<std::string>();
  const std::int32_t pid = end.value("pid", 0);
  if (pid == 0) return "-";
  const std::string name = programs ? programs->of(pid) : "";
  const std::uint32_t tid = end.value("tid", 0U);
  return fmt::format(
      "{}({}{})", name.empty() ? "pid" : name, pid,
      tid == 0 || tid == static_cast<std::uint32_t>(pid) ? "" : fmt::format("/{}", tid));
}

std::string result_of_entry(const nlohmann::json& entry) {
  if (!entry.contains("failed")) return "";
  const auto& failed = entry["failed"];
  std::string reason = failed.value("reason", "");
  if (failed.contains("rule")) reason += fmt::format(", rule {}", failed["rule"].dump());
  return failure_text(failed.at("command").get<std::string>(), -failed.value("errno", 0), reason);
}

void print_entries(const nlohmann::json& answer, const AskedHosts& hosts) {
  const bool colour = ::isatty(STDOUT_FILENO) == 1;
  // The pids of another host are others' here.
  std::optional<ProgramNames> programs;
  if (hosts.here()) programs.emplace();
  fmt::print("{:<15} {:<6} {:<26} {:<26} {:<9} {:>6} {:>10} {:>8} {:>9}  {}\n", "TIME", "KIND",
             "FROM", "TO", "CONTEXT", "NODE", "CODE", "BYTES", "MICROSEC", "FAILED");
  for (const auto& entry : answer.at("entries")) {
    const std::uint64_t us = number_in(entry.at("time_us"));
    const std::string failed = result_of_entry(entry);
    const bool red = colour && !failed.empty();
    fmt::print("{:%H:%M:%S}.{:06} {:<6} {:<26} {:<26} {:<9} {:>6} {:>10} {:>8} {:>9}  {}{}{}\n",
               fmt::localtime(static_cast<std::time_t>(us / 1'000'000)), us % 1'000'000,
               entry.at("kind").get<std::string>(), end_of_entry(entry.at("from"), programs),
               end_of_entry(entry.at("to"), programs), entry.at("context").get<std::string>(),
               entry.at("node").get<std::uint32_t>(), entry.at("code").get<std::uint32_t>(),
               entry.at("data_size").get<std::uint64_t>(),
               entry.contains("took_us") ? std::to_string(number_in(entry["took_us"])) : "",
               red ? "\033[31m" : "", failed, red ? "\033[0m" : "");
  }
}

}  // namespace

int carry_out(const LogOptions& options, char** /*argv*/) {
  const std::string file = options.failed ? "failed_transaction_log" : "transaction_log";
  const bool json = !options.kernel;
  const auto answers = ask_hosts(options.socket, options.hosts, {{"command", file}, {"json", json}},
                                 options.timeout_s);
  return print_answers(answers, options.hosts, options.json, [&](const nlohmann::json& answer) {
    if (options.kernel) {
      fmt::print("{}", answer.at("text").get<std::string>());
    } else {
      print_entries(answer, options.hosts);
    }
  });
}

}  // namespace netbinder::tools
