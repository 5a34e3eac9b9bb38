// SPDX-License-Identifier: Apache-2.0
//
// How often something has taken how long. A plain value: bounded, without allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace netbinder {

class LatencyHistogram {
 public:
  // 5 µs to 10 s.
  static constexpr std::array<std::uint64_t, 20> kBoundsNs = {
      5'000,       10'000,        20'000,        50'000,        100'000,
      200'000,     500'000,       1'000'000,     2'000'000,     5'000'000,
      10'000'000,  20'000'000,    50'000'000,    100'000'000,   200'000'000,
      500'000'000, 1'000'000'000, 2'000'000'000, 5'000'000'000, 10'000'000'000};
  using Counts = std::array<std::uint64_t, kBoundsNs.size() + 1>;

  // Most of what is counted is short, so that the first bounds are looked at first.
  void add(std::uint64_t took_ns) {
    std::size_t place = 0;
    while (place < kBoundsNs.size() && took_ns > kBoundsNs[place]) ++place;
    ++counts_[place];
    total_ns_ += took_ns;
    any_ = true;
  }

  [[nodiscard]] bool empty() const { return !any_; }
  // Each place has what was not longer than its bound, and than no smaller one; the last one, what
  // was longer than all.
  [[nodiscard]] const Counts& counts() const { return counts_; }
  [[nodiscard]] std::uint64_t total_ns() const { return total_ns_; }

 private:
  Counts counts_{};
  std::uint64_t total_ns_ = 0;
  bool any_ = false;
};

}  // namespace netbinder
