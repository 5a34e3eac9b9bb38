// SPDX-License-Identifier: Apache-2.0
//
// The events of a run, as one number: two runs of a seed must have the same. Addresses and
// everything else that belongs only to this process are never noted. With `verbose`, notes are also
// printed.
#pragma once

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <string_view>

#include "transport/sim/event_queue.h"
#include "transport/sim/random.h"

namespace netbinder::sim {

class Trace {
 public:
  Trace(const EventQueue& clock, bool verbose) : clock_(clock), verbose_(verbose) {}

  void note(std::string_view what, std::initializer_list<std::uint64_t> numbers) {
    hash_ = mix(hash_ ^ clock_.now_ms());
    for (const char c : what) hash_ = hash_ * 31 + static_cast<unsigned char>(c);
    for (const std::uint64_t number : numbers) hash_ = mix(hash_ ^ number);
    if (!verbose_) return;
    std::printf("%6" PRIu64 " %.*s", clock_.now_ms(), static_cast<int>(what.size()), what.data());
    for (const std::uint64_t number : numbers) std::printf(" %" PRIu64, number);
    std::printf("\n");
  }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }

 private:
  const EventQueue& clock_;
  bool verbose_;
  std::uint64_t hash_ = 0;
};

}  // namespace netbinder::sim
