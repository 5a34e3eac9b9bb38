// SPDX-License-Identifier: Apache-2.0
//
// The agent's clock: CLOCK_MONOTONIC. Any thread.
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

}  // namespace netbinder
