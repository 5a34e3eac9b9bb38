// SPDX-License-Identifier: Apache-2.0
//
// The answers of other hosts' agents: the agent at the socket asks them through the cluster.
#pragma once

#include <expected>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/asked_hosts.h"

namespace netbinder::tools {

struct HostAnswer {
  std::string host;
  std::expected<nlohmann::json, std::string> answer;  // or why there is none
};

// The names of the cluster's hosts, in the order of its list. Throws std::runtime_error if the
// agent at the socket does not answer.
[[nodiscard]] std::vector<std::string> hosts_of_cluster(const std::string& agent_socket,
                                                        double timeout_s = 0);

// Asks all hosts, in the order of the cluster's list, or one. Each has its share of the time (0: no
// limit). Throws std::runtime_error if the agent at the socket does not answer for itself.
[[nodiscard]] std::vector<HostAnswer> ask_hosts(const std::string& agent_socket,
                                                const AskedHosts& hosts,
                                                const nlohmann::json& request, double timeout_s);

// Prints what `print` prints of each answer, below its host's name if there are several. As JSON it
// prints the answer of the one host, or an object with those of all hosts by their names, in which
// a host without an answer has {"error": why}. Hosts without an answer are told on stderr. The exit
// status: 1 if one has none.
int print_answers(const std::vector<HostAnswer>& answers, const AskedHosts& hosts, bool json,
                  const std::function<void(const nlohmann::json&)>& print);

}  // namespace netbinder::tools
