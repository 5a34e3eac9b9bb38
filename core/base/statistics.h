// SPDX-License-Identifier: Apache-2.0
//
// Counters of what the driver did. Monotonic since the agent started.
#pragma once

#include <array>
#include <cstdint>

namespace netbinder {

// How often programs gave each BC command and read each BR command, by its number (_IOC_NR).
struct CommandCounts {
  static constexpr std::size_t kBcCommands = 22;
  static constexpr std::size_t kBrCommands = 23;

  std::array<std::uint64_t, kBcCommands> bc{};
  std::array<std::uint64_t, kBrCommands> br{};
};

struct Statistics : CommandCounts {
  std::uint64_t calls_local = 0;
  std::uint64_t calls_to_peers = 0;
  std::uint64_t calls_from_peers = 0;
  std::uint64_t failed_calls = 0;
  std::uint64_t payload_bytes_copied = 0;  // from programs' memory, once each
  std::uint64_t threads_created = 0;
};

}  // namespace netbinder
