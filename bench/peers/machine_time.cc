// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/machine_time.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <string>

namespace netbinder::bench {

namespace {

double processors() { return static_cast<double>(::sysconf(_SC_NPROCESSORS_ONLN)); }

}  // namespace

MachineTime MachineTime::read() {
  std::ifstream file("/proc/stat");
  std::string cpu;
  std::uint64_t user = 0, nice = 0, system = 0, idle = 0, waits = 0, hard = 0, soft = 0, stolen = 0;
  if (!(file >> cpu >> user >> nice >> system >> idle >> waits >> hard >> soft >> stolen)) {
    throw std::runtime_error("cannot read /proc/stat");
  }
  const auto tick_ns = static_cast<std::uint64_t>(1'000'000'000 / ::sysconf(_SC_CLK_TCK));
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return {.now_ns = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
                    static_cast<std::uint64_t>(now.tv_nsec),
          .idle_ns = (idle + waits) * tick_ns,
          .interrupts_ns = (hard + soft) * tick_ns,
          .stolen_ns = stolen * tick_ns};
}

double others_percent(const MachineTime& before, const MachineTime& after, std::uint64_t own_ns) {
  const auto took_ns = static_cast<double>(after.now_ns - before.now_ns);
  const double not_idle_ns =
      took_ns * processors() - static_cast<double>(after.idle_ns - before.idle_ns);
  const double others_ns = not_idle_ns - static_cast<double>(own_ns) -
                           static_cast<double>(after.interrupts_ns - before.interrupts_ns) -
                           static_cast<double>(after.stolen_ns - before.stolen_ns);
  return std::max(0.0, 100 * others_ns / took_ns);
}

double stolen_percent(const MachineTime& before, const MachineTime& after) {
  const auto took_ns = static_cast<double>(after.now_ns - before.now_ns);
  return 100 * static_cast<double>(after.stolen_ns - before.stolen_ns) / took_ns / processors();
}

}  // namespace netbinder::bench
