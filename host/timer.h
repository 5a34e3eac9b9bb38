// SPDX-License-Identifier: Apache-2.0
//
// The one timer of a NodeHost, which has no clock of its own. The agent's uses the event loop, the
// simulator's uses simulated time. Owned by the owner of the NodeHost, and outlives it.
#pragma once

#include <cstdint>

namespace netbinder {

class Timer {
 public:
  virtual ~Timer() = default;
  // Milliseconds, on the same clock as NodeHost::set_time.
  [[nodiscard]] virtual std::uint64_t now_ms() const = 0;
  // Has NodeHost::timer_expired called then or soon after. Replaces an earlier deadline.
  virtual void set(std::uint64_t deadline_ms) = 0;
};

}  // namespace netbinder
