// SPDX-License-Identifier: Apache-2.0
//
// Asks an agent over its admin socket.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace netbinder::tools {

// The answer to a request, {"command": …} and its parameters. Throws std::runtime_error with a
// plain sentence if there is no agent, or the agent refuses.
[[nodiscard]] nlohmann::json ask_agent(const std::string& agent_socket,
                                       const nlohmann::json& request);

}  // namespace netbinder::tools
