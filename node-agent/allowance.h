// SPDX-License-Identifier: Apache-2.0
//
// How often something may be done for somebody: `burst` times at once, and once more after each
// interval. Owned by whoever keeps one for each of them. Thread: its owner's.
#pragma once

#include <algorithm>
#include <cstdint>

namespace netbinder {

template <std::uint64_t burst, std::uint64_t interval_ms>
class Allowance {
 public:
  explicit Allowance(std::uint64_t now_ms) : since_ms_(now_ms) {}

  // Takes one of the times; false: there is none now.
  bool take(std::uint64_t now_ms) {
    const std::uint64_t more = (now_ms - since_ms_) / interval_ms;
    left_ = std::min(left_ + more, burst);
    since_ms_ += more * interval_ms;
    if (left_ == 0) return false;
    --left_;
    return true;
  }
  // Nothing has been taken for so long that it is as a new one.
  [[nodiscard]] bool is_full(std::uint64_t now_ms) const {
    return now_ms - since_ms_ >= burst * interval_ms;
  }

 private:
  std::uint64_t left_ = burst;
  std::uint64_t since_ms_;  // when that was so
};

}  // namespace netbinder
