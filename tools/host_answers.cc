// SPDX-License-Identifier: Apache-2.0
#include "tools/host_answers.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include "tools/admin_client.h"

namespace netbinder::tools {

std::vector<HostAnswer> ask_hosts(const std::string& agent_socket, const AskedHosts& hosts,
                                  const nlohmann::json& request, double timeout_s) {
  if (!hosts.all && hosts.host.empty()) {
    return {{.host = {}, .answer = ask_agent(agent_socket, request)}};
  }
  std::vector<std::string> names = {hosts.host};
  if (hosts.all) {
    names.clear();
    const auto status = ask_agent(agent_socket, {{"command", "status"}});
    for (const auto& member : status.at("membership").at("hosts")) names.push_back(member["host"]);
  }
  // Who asks ends this program when its time is over; until then, all are to have had their turn.
  constexpr double kOfTheTime = 0.8;
  const double share_s = timeout_s * kOfTheTime / static_cast<double>(std::max<std::size_t>(names.size(), 1));
  std::vector<HostAnswer> answers;
  for (const std::string& name : names) {
    nlohmann::json question = request;
    question["host"] = name;
    try {
      answers.push_back({.host = name, .answer = ask_agent(agent_socket, question, share_s)});
    } catch (const std::runtime_error& error) {
      answers.push_back({.host = name, .answer = std::unexpected(error.what())});
    }
  }
  return answers;
}

void print_as_json(const std::vector<HostAnswer>& answers, const AskedHosts& hosts) {
  nlohmann::json shown = nlohmann::json::object();
  for (const HostAnswer& each : answers) {
    if (!each.answer) continue;
    if (hosts.all) {
      shown[each.host] = *each.answer;
    } else {
      shown = *each.answer;
    }
  }
  fmt::print("{}\n", shown.dump(2));
}

void print_heading(const std::string& host, bool first) {
  fmt::print("{}=== {}\n", first ? "" : "\n", host);
}

int print_missing(const std::vector<HostAnswer>& answers) {
  int status = 0;
  for (const HostAnswer& each : answers) {
    if (each.answer) continue;
    std::fflush(stdout);
    fmt::print(stderr, "netbinder: {}: {}\n", each.host, each.answer.error());
    status = 1;
  }
  return status;
}

}  // namespace netbinder::tools
