// SPDX-License-Identifier: Apache-2.0
//
// What the machine's processors were doing besides a turn's own processes. That tells whether
// others disturbed it.
#pragma once

#include <cstdint>

namespace netbinder::bench {

// Sums over all processors since the machine has been started.
struct MachineTime {
  std::uint64_t now_ns = 0;
  std::uint64_t idle_ns = 0;
  std::uint64_t interrupts_ns = 0;  // they may be the turn's own
  std::uint64_t stolen_ns = 0;      // by the machine that this one is virtual on

  static MachineTime read();
};

// Of one processor's time, in per cent: what neither the turn's processes (`own_ns`) nor interrupts
// have used while processors were busy. Never below 0.
double others_percent(const MachineTime& before, const MachineTime& after, std::uint64_t own_ns);
// Of all processors' time.
double stolen_percent(const MachineTime& before, const MachineTime& after);

}  // namespace netbinder::bench
