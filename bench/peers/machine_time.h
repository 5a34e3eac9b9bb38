// SPDX-License-Identifier: Apache-2.0
//
// The time that processors spent on anything but a turn's own processes. It tells whether
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

// The per cent of one processor's time that neither the turn's processes (`own_ns`) nor interrupts
// have used while processors were busy. Never below 0.
double others_percent(const MachineTime& before, const MachineTime& after, std::uint64_t own_ns);
// The per cent of all processors' time that the hypervisor took.
double stolen_percent(const MachineTime& before, const MachineTime& after);

}  // namespace netbinder::bench
