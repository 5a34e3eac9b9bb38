// SPDX-License-Identifier: Apache-2.0
//
// A process of another user, which means harm, and what it does to a pair of programs that behave.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/agent/agent_process.h"

namespace netbinder::testing {

inline constexpr std::uint32_t kOtherUser = 65534;

// Lets everybody come to the agent's sockets.
void open_to_everybody(const AgentProcess& agent);

// A child process of the user kOtherUser. Ends with its owner, by SIGKILL if it must.
class OtherUser {
 public:
  // `act` is told of the end of the test by the process's end only; what it returns is the status.
  explicit OtherUser(const std::function<int()>& act);
  ~OtherUser();
  OtherUser(const OtherUser&) = delete;
  OtherUser& operator=(const OtherUser&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  // Waits for its end. -1 for a signal.
  int wait();
  void kill();

 private:
  pid_t pid_;
};

// Lets a process tell the test something: a pipe, across fork.
class Signal {
 public:
  Signal();
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
  void raise() const;
  void wait() const;

 private:
  int ends_[2];
};

// Calls between a polite client and a polite server, one after the other, while harm is done.
struct PoliteTimes {
  std::uint64_t calls = 0;
  std::uint64_t longest_ns = 0;
  std::vector<std::uint64_t> all_ns;
};
// Until `enough` calls were made and `done` says so.
PoliteTimes call_politely(const std::string& socket, std::uint64_t enough,
                          const std::function<bool()>& done = [] { return true; });

}  // namespace netbinder::testing
