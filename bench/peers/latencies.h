// SPDX-License-Identifier: Apache-2.0
//
// How long calls took: counts in buckets whose width is a 256th of their value, so that a quantile
// is exact to 0.4 % whatever the number of calls, in 80 KiB. Plain memory, which may be zero at
// first and shared between processes; one writes, and others read when it has finished.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace netbinder::bench {

class Latencies {
 public:
  void add(std::uint64_t ns) {
    ++counts_[bucket_of(std::min(ns, kMostNs))];
    ++calls_;
    sum_ns_ += ns;
    most_ns_ = std::max(most_ns_, ns);
  }

  void add(const Latencies& others) {
    for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += others.counts_[i];
    calls_ += others.calls_;
    sum_ns_ += others.sum_ns_;
    most_ns_ = std::max(most_ns_, others.most_ns_);
  }

  [[nodiscard]] std::uint64_t calls() const { return calls_; }
  [[nodiscard]] double mean_us() const {
    return calls_ == 0 ? 0 : static_cast<double>(sum_ns_) / static_cast<double>(calls_) / 1000;
  }

  // The time that this part (0 to 1) of the calls did not exceed.
  [[nodiscard]] double quantile_us(double part) const {
    if (part >= 1) return static_cast<double>(most_ns_) / 1000;
    const auto before = static_cast<std::uint64_t>(part * static_cast<double>(calls_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      seen += counts_[i];
      if (seen > before) return std::min(middle_ns(i), static_cast<double>(most_ns_)) / 1000;
    }
    return 0;
  }

 private:
  static constexpr std::size_t kSteps = 256;
  static constexpr std::uint64_t kMostNs = (std::uint64_t{1} << 40) - 1;  // 18 minutes
  static constexpr std::size_t kStepBits = 8;
  static constexpr std::size_t kBuckets = (40 - kStepBits + 1) * kSteps;

  // Below kSteps each number has a bucket; above, each power of two has kSteps of them.
  static std::size_t bucket_of(std::uint64_t ns) {
    if (ns < kSteps) return static_cast<std::size_t>(ns);
    const auto power = static_cast<std::size_t>(std::bit_width(ns)) - 1 - kStepBits;
    return (power + 1) * kSteps + static_cast<std::size_t>((ns >> power) - kSteps);
  }
  static double middle_ns(std::size_t bucket) {
    if (bucket < kSteps) return static_cast<double>(bucket);
    const std::size_t power = bucket / kSteps - 1;
    const std::uint64_t low = static_cast<std::uint64_t>(bucket % kSteps + kSteps) << power;
    return static_cast<double>(low) + static_cast<double>(std::uint64_t{1} << power) / 2;
  }

  std::uint64_t calls_ = 0;
  std::uint64_t sum_ns_ = 0;
  std::uint64_t most_ns_ = 0;
  std::array<std::uint32_t, kBuckets> counts_{};
};

}  // namespace netbinder::bench
