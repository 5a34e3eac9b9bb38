// SPDX-License-Identifier: Apache-2.0
//
// Whether to look again at once or to sleep. A wake-up across idle processors costs far more than
// the work it brings, so looking again (with sched_yield between, which lets the program run that
// is being waited for) pays off while requests follow each other closely; when they come
// milliseconds apart it only takes processor time from those who work. So: look again only after
// several requests in a row came within the window, and never longer than the window, which is the
// configuration's busy_poll_us.
#pragma once

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
  static constexpr std::uint32_t kCloseRequests = 3;  // in a row, before looking again pays off

  explicit AdaptiveWait(std::uint64_t window_ns) : window_ns_(window_ns) {}

  [[nodiscard]] std::uint64_t window_ns() const { return window_ns_; }
  void worked(std::uint64_t now_ns) {
    const bool close = now_ns - last_work_ns_ < window_ns_;
    close_ = close ? (close_ < kCloseRequests ? close_ + 1 : close_) : 0;
    last_work_ns_ = now_ns;
  }
  [[nodiscard]] bool look_again(std::uint64_t now_ns) const {
    return close_ >= kCloseRequests && now_ns - last_work_ns_ < window_ns_;
  }

 private:
  const std::uint64_t window_ns_;
  std::uint64_t last_work_ns_ = 0;
  std::uint32_t close_ = 0;
};

}  // namespace netbinder
