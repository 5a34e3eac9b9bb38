// SPDX-License-Identifier: Apache-2.0
//
// The agent's answers on its admin socket (node-agent/admin_server.h): one line of JSON for each
// line of JSON. Thread: the data-plane thread.
#pragma once

#include <string>

namespace netbinder {

class Agent;

// The answer has no end of line.
std::string answer_admin(Agent& agent, const std::string& line);

}  // namespace netbinder
