// SPDX-License-Identifier: Apache-2.0
//
// The calls of all hosts of a cluster.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "tools/calls/call_source.h"

namespace netbinder::tools {

using CallSources = std::vector<std::unique_ptr<CallSource>>;

[[nodiscard]] bool has_source_of(const CallSources& sources, const std::string& host);

// Adds a source for each host of the cluster that has none yet, asked through the agent at the
// socket. Those that do not record are told on stderr; their number. Throws std::runtime_error if
// the agent at the socket does not answer.
std::size_t add_other_hosts(const std::string& agent_socket, CallSources& sources);

}  // namespace netbinder::tools
