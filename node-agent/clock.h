// SPDX-License-Identifier: Apache-2.0
//
// The agent's clock: CLOCK_MONOTONIC; and how far the one on the wall is ahead of it. Any thread.
#pragma once

#include <cstdint>
#include <ctime>

namespace netbinder {

inline std::uint64_t ns_by(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec);
}

inline std::uint64_t monotonic_ns() { return ns_by(CLOCK_MONOTONIC); }
inline std::uint64_t monotonic_ms() { return monotonic_ns() / 1'000'000; }

inline std::int64_t wall_ahead_ns() {
  return static_cast<std::int64_t>(ns_by(CLOCK_REALTIME) - monotonic_ns());
}

}  // namespace netbinder
