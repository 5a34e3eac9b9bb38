// SPDX-License-Identifier: Apache-2.0
//
// The agent's answers on its admin socket (node-agent/admin_server.h): one line of JSON for each
// line of JSON. Thread: the data-plane thread.
#pragma once

#include <string>
#include <string_view>

namespace netbinder {

class Agent;
class Reload;
struct Viewer;

// The answer has no end of line.
std::string answer_admin(Agent& agent, Reload& reload, const Viewer& viewer,
                         std::string_view line);

}  // namespace netbinder
