// SPDX-License-Identifier: Apache-2.0
//
// The agent's answers on its admin socket (node-agent/admin_server.h): one line of JSON for each
// line of JSON. Thread: the data-plane thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace netbinder {

class Agent;
class Reload;
// The user who asks, of this host or of another one, by the number that he has here.
struct Asker {
  std::uint32_t uid = 0;
  enum class Where : std::uint8_t { kHere, kOnAnotherHost } where = Where::kHere;
};

struct AdminAnswer {
  std::string line;  // with its end
  int fd = -1;       // goes with it, and stays whose it is; -1: none
};

// The answer; nothing if it comes later, by a call of `later`, which may be before this returns.
// A request with a "host" is that host's agent's to answer; users of other hosts may only look.
std::optional<AdminAnswer> answer_admin(Agent& agent, Reload& reload, const Asker& asker,
                                        std::string_view line,
                                        std::function<void(std::string)> later);

}  // namespace netbinder
