// SPDX-License-Identifier: Apache-2.0
//
// Decides when a waiting thread looks repeatedly (giving the processor away between looks) and when
// it sleeps. Waking a thread on an idle processor costs far more than answering a call, so looking
// pays while answers come quickly, and is waste otherwise.
//
// A WaitHistory belongs to one thread.
#pragma once

#include <cstdint>

namespace netbinder {

// Looking goes on for no longer than this.
inline constexpr std::uint64_t kSpinNs = 50'000;
// A wait that was slept through counts as short up to here: two or three wake-ups, which looking
// would have saved.
inline constexpr std::uint64_t kShortSleepNs = 150'000;
// So many short waits in a row make the next one a candidate for looking …
inline constexpr std::uint32_t kShortWaitsNeeded = 3;
// … if the last one has ended no longer ago than this.
inline constexpr std::uint64_t kRecentNs = 200'000;

// A sleeper checks the agent's health now and then: soon at first, so that a call to an agent that
// is gone fails quickly, then rarely. A thread with a long wait among its last few checks rarely
// from the start. Servers are like that (their short waits are for the completion of a reply), and
// many of them checking often would take too much of the processors' time.
inline constexpr std::uint64_t kFirstHealthCheckNs = 100'000'000;
inline constexpr std::uint64_t kHealthCheckNs = 2'000'000'000;
inline constexpr std::uint32_t kFewWaits = 4;

// How long the agent may take to answer a Hello.
inline constexpr int kHandshakeSeconds = 5;

class WaitHistory {
 public:
  [[nodiscard]] bool should_spin(std::uint64_t now_ns) const {
    return short_waits_ >= kShortWaitsNeeded && now_ns - last_end_ns_ < kRecentNs;
  }

  [[nodiscard]] std::uint64_t first_health_check_ns() const {
    return waits_since_long_ < kFewWaits ? kHealthCheckNs : kFirstHealthCheckNs;
  }

  // `spun_in_vain`: looking did not help and the thread went to sleep after all.
  void ended(std::uint64_t start_ns, std::uint64_t end_ns, bool spun_in_vain) {
    if (spun_in_vain || end_ns - start_ns > kShortSleepNs) {
      short_waits_ = 0;
    } else if (short_waits_ < kShortWaitsNeeded) {
      ++short_waits_;
    }
    if (end_ns - start_ns >= kFirstHealthCheckNs) {
      waits_since_long_ = 0;
    } else if (waits_since_long_ < kFewWaits) {
      ++waits_since_long_;
    }
    last_end_ns_ = end_ns;
  }

 private:
  std::uint64_t last_end_ns_ = 0;
  std::uint32_t short_waits_ = 0;
  std::uint32_t waits_since_long_ = kFewWaits;  // at most that
};

}  // namespace netbinder
