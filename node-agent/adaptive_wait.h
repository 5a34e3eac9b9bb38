// SPDX-License-Identifier: Apache-2.0
//
// Decides whether to look again at once or to sleep. A wake-up across idle processors costs far
// more than the work it brings, so looking again (with sched_yield between, which lets the awaited
// program run) pays off while requests follow each other closely. When they come milliseconds apart
// it only takes processor time from programs that work. So: look again only after several requests
// in a row came within the window, and never longer than the window, which is the configuration's
// busy_poll_us.
//
// A request that ended a sleep would have come sooner without the wake-ups on its way, so its time
// limit is longer by some wake-ups. Where that is wrong, looking is in vain. Each time it is, twice
// as many requests must come in a row before the next attempt, and one less again for each request
// that was found by looking.
#pragma once

#include <algorithm>
#include <cstdint>
#include <ctime>

namespace netbinder {

inline std::uint64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec);
}

inline std::uint64_t monotonic_ms() { return monotonic_ns() / 1'000'000; }

class AdaptiveWait {
 public:
  // Requests in a row before looking again pays off: at first, and at most after looking in vain.
  static constexpr std::uint32_t kCloseRequests = 3;
  static constexpr std::uint32_t kMaxCloseRequests = 96;
  static constexpr std::uint64_t kWakeUpsNs = 200'000;

  explicit AdaptiveWait(std::uint64_t window_ns) : window_ns_(window_ns) {}

  [[nodiscard]] std::uint64_t window_ns() const { return window_ns_; }
  // There was something to do; it was found by looking, or after a sleep.
  void worked(std::uint64_t now_ns, bool slept) {
    const std::uint64_t since_ns = now_ns - last_work_ns_;
    last_work_ns_ = now_ns;
    if (window_ns_ == 0 || since_ns >= window_ns_ + (slept ? kWakeUpsNs : 0)) {
      close_ = 0;
    } else if (close_ < needed_) {
      ++close_;
    } else if (needed_ > kCloseRequests) {
      close_ = --needed_;
    }
  }
  [[nodiscard]] bool look_again(std::uint64_t now_ns) const {
    return close_ >= needed_ && now_ns - last_work_ns_ < window_ns_;
  }
  // There is nothing to do, and look_again says so.
  void sleeps() {
    if (close_ < needed_) return;
    close_ = 0;
    needed_ = std::min(needed_ * 2, kMaxCloseRequests);
  }

 private:
  const std::uint64_t window_ns_;
  std::uint64_t last_work_ns_ = 0;
  std::uint32_t close_ = 0;  // at most needed_
  std::uint32_t needed_ = kCloseRequests;
};

}  // namespace netbinder
