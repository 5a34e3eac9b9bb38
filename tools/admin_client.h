// SPDX-License-Identifier: Apache-2.0
//
// Asks an agent over its admin socket.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "node-agent/unique_fd.h"

namespace netbinder::tools {

// The answer to a request, {"command": …} and its parameters. Throws std::runtime_error with a
// plain sentence if there is no agent, or the agent refuses, or does not answer in time (0: for
// ever). If `fd` is not null, a descriptor that comes with the answer is put there.
[[nodiscard]] nlohmann::json ask_agent(const std::string& agent_socket,
                                       const nlohmann::json& request, double timeout_s = 0,
                                       UniqueFd* fd = nullptr);

// A page that the agent serves over HTTP there, "/metrics" for example. Throws likewise, also if
// there is no such page.
[[nodiscard]] std::string ask_agent_for_page(const std::string& agent_socket,
                                             const std::string& path, double timeout_s = 0);

}  // namespace netbinder::tools
