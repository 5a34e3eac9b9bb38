// SPDX-License-Identifier: Apache-2.0
#include "tools/host_answers.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include "tools/admin_client.h"

namespace netbinder::tools {

std::vector<std::string> hosts_of_cluster(const std::string& agent_socket, double timeout_s) {
  const auto status = ask_agent(agent_socket, {{"command", "status"}}, timeout_s);
  std::vector<std::string> names;
  for (const auto& member : status.at("membership").at("hosts")) names.push_back(member.at("host"));
  return names;
}

std::vector<HostAnswer> ask_hosts(const std::string& agent_socket, const AskedHosts& hosts,
                                  const nlohmann::json& request, double timeout_s) {
  if (hosts.here()) {
    return {{.host = {}, .answer = ask_agent(agent_socket, request)}};
  }
  const std::vector<std::string> names =
      hosts.all ? hosts_of_cluster(agent_socket) : std::vector{hosts.host};
  // This program ends when its time is over; until then, each host is to have had its turn.
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

int print_answers(const std::vector<HostAnswer>& answers, const AskedHosts& hosts, bool json,
                  const std::function<void(const nlohmann::json&)>& print) {
  nlohmann::json shown = nlohmann::json::object();
  bool first = true;
  int status = 0;
  for (const HostAnswer& each : answers) {
    if (!each.answer) {
      status = 1;
      if (hosts.all) shown[each.host] = {{"error", each.answer.error()}};
    } else if (json) {
      (hosts.all ? shown[each.host] : shown) = *each.answer;
    } else {
      if (hosts.all) fmt::print("{}=== {}\n", first ? "" : "\n", each.host);
      first = false;
      print(*each.answer);
    }
  }
  if (json && !shown.empty()) fmt::print("{}\n", shown.dump(2));
  std::fflush(stdout);
  for (const HostAnswer& each : answers) {
    if (!each.answer) fmt::print(stderr, "netbinder: {}: {}\n", each.host, each.answer.error());
  }
  return status;
}

}  // namespace netbinder::tools
