// SPDX-License-Identifier: Apache-2.0
//
// Statistics of all inputs of a run, printed at exit if NETBINDER_FUZZ_REPORT is set; and a trace
// of single inputs.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "core/base/statistics.h"

namespace netbinder::fuzz {

struct Report {
  std::uint64_t inputs = 0;
  std::uint64_t steps = 0;
  Statistics sum;
  std::map<std::string, std::uint64_t> reached;

  void add(const Statistics& statistics);
  ~Report();
};

Report& report();

// Counts something reached. `name` is a literal.
void reach(const char* name);

// If NETBINDER_FUZZ_TRACE is set, each event is printed on a line, to follow an input.
bool tracing();
[[gnu::format(printf, 1, 2)]] void trace(const char* format, ...);

}  // namespace netbinder::fuzz
