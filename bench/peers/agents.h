// SPDX-License-Identifier: Apache-2.0
//
// The agents of a turn: one on a single host, or one on each of two hosts, the server's first.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "bench/peers/peer.h"

namespace netbinder::bench {

// The kind of manager that the agents' contexts have.
enum class Manager : std::uint8_t { kServer, kBuiltin };  // kServer: the turn's server becomes it
std::vector<Child> start_agents(const Turn& turn, const std::string& agent_program,
                                Manager manager);

// The sockets of the server's and of the clients' agent.
std::string server_agent(const Turn& turn);
std::string client_agent(const Turn& turn);

// The folder of this program.
std::filesystem::path own_folder();
// Tries until it succeeds, for agents start, and find each other. Throws in the end.
void until(const char* what, const std::function<bool()>& attempt);

}  // namespace netbinder::bench
