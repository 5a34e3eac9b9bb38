// SPDX-License-Identifier: Apache-2.0
//
// A program that has connected to the agent.
#pragma once

#include <cstdint>

#include "node-agent/program_name.h"

namespace netbinder {

// The program at the other end, as the kernel identified it when the socket was connected.
struct PeerProgram {
  std::int32_t pid = 0;
  std::uint32_t euid = 0;
  std::int32_t supervisor = 0;  // the process that acts for it, 0 if none
  ProgramName name = {};        // as it was when it opened
};

}  // namespace netbinder
