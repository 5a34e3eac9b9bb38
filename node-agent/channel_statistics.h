// SPDX-License-Identifier: Apache-2.0
//
// The work of all programs' channels since the agent began.
#pragma once

#include <cstdint>

#include "node-agent/staged_memory.h"

namespace netbinder {

struct ChannelStatistics {
  std::uint64_t requests = 0;
  std::uint64_t bytes_read = 0;  // of programs' staged memory
  StagedBytes staged;            // and by where they were
  std::uint64_t wakeups = 0;     // futex calls
  std::uint64_t doorbells = 0;   // eventfd reads
};

}  // namespace netbinder
