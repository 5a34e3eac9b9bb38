// SPDX-License-Identifier: Apache-2.0
//
// The slowest calls of a host while somebody looks: follows its calls as `netbinder monitor` does,
// from the first question on until nobody has asked for kLinger. So nothing is recorded while
// nobody looks.
//
// States: Idle ── asked ──→ Following ── kLinger without a question ──→ Idle
//         Following ── the agent refuses, or is gone ──→ Refused ── kRetry, asked ──→ Following
//
// A thread of its own reads what is recorded, as that has to be read often. Any thread may ask.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <thread>

#include "tools/calls/slowest_calls.h"

namespace netbinder::tools {

class CallWatch {
 public:
  static constexpr std::chrono::seconds kLinger{10};
  static constexpr std::chrono::seconds kRetry{2};

  explicit CallWatch(std::string agent_socket);
  ~CallWatch();
  CallWatch(const CallWatch&) = delete;
  CallWatch& operator=(const CallWatch&) = delete;

  // {"calls": […], "seconds": of which these are the slowest, "lost": points of calls that could
  // not be read in time}, where a call is a line of `netbinder monitor --json`. Or {"problem": why
  // there is nothing to be seen}.
  [[nodiscard]] nlohmann::json json();

 private:
  using Clock = std::chrono::steady_clock;

  void run(const std::stop_token& stop);
  void follow(const std::stop_token& stop);
  [[nodiscard]] bool wanted() const { return Clock::now() < until_; }

  // The calls that it has seen since it follows them.
  struct Seen {
    Clock::time_point since;
    SlowestCalls slowest = {};
    std::uint64_t lost = 0;
  };

  const std::string agent_socket_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  Clock::time_point until_;   // it is wanted
  std::optional<Seen> seen_;  // nothing: it does not follow calls
  std::string problem_;       // why it does not, though it is wanted
  std::jthread thread_;       // uses all of these
};

}  // namespace netbinder::tools
