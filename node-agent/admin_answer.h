// SPDX-License-Identifier: Apache-2.0
//
// The agent's answers on its admin socket (node-agent/admin_server.h): one line of JSON for each
// line of JSON. Thread: the data-plane thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace netbinder {

class Agent;
class Reload;
struct Viewer;

struct AdminAnswer {
  std::string line;  // with its end
  int fd = -1;       // goes with it, and stays whose it is; -1: none
};

// The answer; nothing if it comes later, by a call of `later`.
std::optional<AdminAnswer> answer_admin(Agent& agent, Reload& reload, const Viewer& viewer,
                                        std::string_view line,
                                        std::function<void(std::string)> later);

}  // namespace netbinder
