// SPDX-License-Identifier: Apache-2.0
#include "tools/calls/all_hosts.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include "tools/calls/far_calls.h"
#include "tools/host_answers.h"

namespace netbinder::tools {

bool has_source_of(const CallSources& sources, const std::string& host) {
  return std::ranges::any_of(sources,
                             [&](const auto& source) { return source->host_name() == host; });
}

std::size_t add_other_hosts(const std::string& agent_socket, CallSources& sources) {
  std::size_t failed = 0;
  for (const std::string& name : hosts_of_cluster(agent_socket)) {
    if (has_source_of(sources, name)) continue;
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
