// SPDX-License-Identifier: Apache-2.0
#include "tools/calls/all_hosts.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include "tools/calls/far_calls.h"
#include "tools/host_answers.h"

namespace netbinder::tools {

std::size_t add_other_hosts(const std::string& agent_socket, CallSources& sources) {
  std::size_t failed = 0;
  for (const std::string& name : hosts_of_cluster(agent_socket)) {
    const auto is_of_it = [&](const auto& source) { return source->host_name() == name; };
    if (std::ranges::any_of(sources, is_of_it)) continue;
    try {
      sources.push_back(std::make_unique<FarCalls>(agent_socket, name));
    } catch (const std::runtime_error& error) {
      fmt::print(stderr, "netbinder: {}\n", error.what());
      ++failed;
    }
  }
  return failed;
}

}  // namespace netbinder::tools
