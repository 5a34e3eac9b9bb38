// SPDX-License-Identifier: Apache-2.0
//
// The agents of a turn: one on a single host, or one on each of two hosts, the server's first.
#pragma once

#include <string>
#include <vector>

#include "bench/peers/peer.h"

namespace netbinder::bench {

// The first agent's context has no manager: the turn's server becomes it.
std::vector<Child> start_agents(const Turn& turn, const std::string& agent_program);

// The sockets of the server's and of the clients' agent.
std::string server_agent(const Turn& turn);
std::string client_agent(const Turn& turn);

}  // namespace netbinder::bench
