// SPDX-License-Identifier: Apache-2.0
#include "bench/driver/machine.h"

#include <stdlib.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <fstream>

namespace netbinder::bench {

namespace {

// The text behind the colon of the first line that begins with `begin`.
std::string cpuinfo(const std::string& begin) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with(begin) && colon != std::string::npos) return line.substr(colon + 2);
  }
  return {};
}

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace

double load_now() {
  double load = 0;
  return ::getloadavg(&load, 1) == 1 ? load : 0;
}

Machine Machine::look() {
  std::array<char, 32> date{};
  const time_t now = ::time(nullptr);
  tm parts{};
  ::gmtime_r(&now, &parts);
  ::strftime(date.data(), date.size(), "%Y-%m-%d %H:%M", &parts);
  utsname names{};
  ::uname(&names);
  const bool guest = (" " + cpuinfo("flags") + " ").find(" hypervisor ") != std::string::npos;
  return {.date = date.data(),
          .kernel = std::string(names.sysname) + " " + names.release + " " + names.machine,
          .processor = cpuinfo("model name"),
          .processors = ::sysconf(_SC_NPROCESSORS_ONLN),
          .governor = first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
          .virtualised = guest ? "yes" : "no",
          .load = load_now()};
}

}  // namespace netbinder::bench
