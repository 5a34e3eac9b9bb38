// SPDX-License-Identifier: Apache-2.0
//
// The one timer of a NodeHost, which has no clock of its own. The agent's is the event loop's, the
// simulator's is in simulated time. Owned by the owner of the NodeHost, and outlives it.
#pragma once

#include <cstdint>

namespace netbinder {

class Timer {
 public:
  virtual ~Timer() = default;
  // Milliseconds of the clock that NodeHost::set_time is told of.
  [[nodiscard]] virtual std::uint64_t now_ms() const = 0;
  // NodeHost::timer_expired is to be called then or soon after. In place of what was set before.
  virtual void set(std::uint64_t deadline_ms) = 0;
};

}  // namespace netbinder
