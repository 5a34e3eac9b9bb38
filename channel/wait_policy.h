// SPDX-License-Identifier: Apache-2.0
//
// Whether a waiter looks again and again for what it waits for, giving the processor away between
// looks, or sleeps until it is woken. Both sides of a channel decide by this: a thread of a program
// that waits for its response, and the agent's loop.
//
// Waking a process on an idle processor takes much longer than a call's work, so looking pays while
// what is awaited comes soon, and is a waste otherwise. How long looking may pay is the window: a
// multiple of the cost of a wake-up on this machine, which the agent measures and passes to its
// programs (`look_ns` in channel/layout.h). A wait is short if it ended within the window. The next
// one is looked through after several short ones in a row.
//
//   - A wait that was slept through includes wake-ups which looking would have saved. So it counts
//     as short up to a longer limit. If that was wrong, the waiter looks in vain. Each time, twice
//     as many short waits must come before the next attempt, and fewer again for each wait that
//     looking has ended.
//   - A look that takes very long means that others use the processor: a busy program that never
//     gives it away keeps it for a whole time slice. A sleeper is served sooner then, so the waiter
//     sleeps for the next waits, and for more of them each time that happens. Until it looks again,
//     it does not give the processor away for anybody else's sake either.
//
// Reads no clock and does no waiting itself. An object belongs to one thread and may be in memory
// that is zero at first. Sizes of the steps: docs/PERFORMANCE.md.
#pragma once

#include <algorithm>
#include <cstdint>

namespace netbinder {

class WaitPolicy {
 public:
  // Short waits in a row before looking: at first; at most after looking in vain; and at most after
  // looks that took very long.
  static constexpr std::uint32_t kShortWaits = 3;
  static constexpr std::uint32_t kMaxShortWaits = 96;
  static constexpr std::uint32_t kMaxShortWaitsInACrowd = 6144;
  // Each wait that looking has ended lowers that number by one and by this part of it.
  static constexpr std::uint32_t kForgets = 16;
  // A look that takes this long shows that the processor is wanted by others.
  static constexpr std::uint64_t kCrowdedNs = 1'000'000;

  // The window is this many wake-ups, within these bounds.
  static constexpr std::uint64_t kWakeUpsInWindow = 12;
  static constexpr std::uint64_t kLeastWindowNs = 100'000;
  static constexpr std::uint64_t kMostWindowNs = 300'000;
  static constexpr std::uint64_t window_ns(std::uint64_t wake_up_ns) {
    return std::clamp(kWakeUpsInWindow * wake_up_ns, kLeastWindowNs, kMostWindowNs);
  }

  enum class Ended : std::uint8_t {
    kAwake,         // it was there at once, or found by looking
    kAsleep,        // without having looked
    kLookedInVain,  // looking took too long, so it slept, or is about to
  };

  // Whether the next wait is worth looking. `pause_ns` is the time since the last one, in which the
  // waiter had something else to do.
  [[nodiscard]] bool looks(std::uint64_t pause_ns, std::uint64_t window_ns) const {
    return short_waits_ >= needed() && pause_ns < window_ns;
  }

  void ended(std::uint64_t waited_ns, Ended how, std::uint64_t window_ns) {
    if (how == Ended::kLookedInVain) {
      needed_ = std::max(needed(), std::min(2 * needed(), kMaxShortWaits));
      short_waits_ = 0;
    } else if (waited_ns >= window_ns + (how == Ended::kAsleep ? wake_ups_ns(window_ns) : 0)) {
      short_waits_ = 0;
    } else if (short_waits_ < needed()) {
      ++short_waits_;
    } else {
      needed_ = needed() - 1 - needed() / kForgets;
      short_waits_ = needed();
    }
  }

  // One look, with the processor given away, took this long. Returns whether to stop looking. A
  // window longer than kCrowdedNs was configured, and is respected.
  [[nodiscard]] bool crowded(std::uint64_t look_ns, std::uint64_t window_ns) {
    if (look_ns < std::max(kCrowdedNs, window_ns)) return false;
    needed_ = std::clamp(4 * needed(), 4 * kMaxShortWaits, kMaxShortWaitsInACrowd);
    short_waits_ = 0;
    return true;
  }

  // Whether giving the processor away is likely to cost a whole time slice. Whoever does not look
  // then must not give it away either, but sleep.
  [[nodiscard]] bool in_a_crowd() const {
    return needed() > kMaxShortWaits && short_waits_ < needed();
  }

 private:
  // A wait that was slept through may be longer by this: the time of the wake-ups in it.
  static constexpr std::uint64_t wake_ups_ns(std::uint64_t window_ns) { return window_ns * 2 / 3; }
  [[nodiscard]] std::uint32_t needed() const { return std::max(needed_, kShortWaits); }

  std::uint32_t short_waits_ = 0;  // in a row; at most needed()
  std::uint32_t needed_ = 0;       // at least kShortWaits, whatever is here
};

}  // namespace netbinder
