// SPDX-License-Identifier: Apache-2.0
//
// How often a sleeping thread looks whether the agent is still there: a futex has no hang-up.
//
// Belongs to one thread.
#pragma once

#include <cstdint>

namespace netbinder {

// How long the agent may take to answer a Hello.
inline constexpr int kHandshakeSeconds = 5;

// The first checks come soon, so that a call to an agent that is gone fails quickly, the later ones
// rarely. A thread with a long wait among its last few checks rarely from the start. Servers are
// like that (their short waits are for the completion of a reply), and many of them checking often
// would take too much processor time.
class HealthChecks {
 public:
  static constexpr std::uint64_t kFirstNs = 100'000'000;
  static constexpr std::uint64_t kIntervalNs = 2'000'000'000;
  static constexpr std::uint32_t kFewWaits = 4;

  // For the wait that begins now.
  [[nodiscard]] std::uint64_t first_ns() const {
    return since_long_wait_ < kFewWaits ? kIntervalNs : kFirstNs;
  }
  void waited(std::uint64_t waited_ns) {
    if (waited_ns >= kFirstNs) {
      since_long_wait_ = 0;
    } else if (since_long_wait_ < kFewWaits) {
      ++since_long_wait_;
    }
  }

 private:
  std::uint32_t since_long_wait_ = kFewWaits;  // at most that
};

}  // namespace netbinder
