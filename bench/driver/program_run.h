// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace netbinder::bench {

struct ProgramRun {
  int status = 0;   // its exit status; 128 and the signal if it was killed
  std::string out;  // what it printed
  std::string err;
};

// Runs a program to its end, or kills it when `limit_s` are over. Throws if it cannot be started.
ProgramRun run_program(const std::vector<std::string>& words, int limit_s);

}  // namespace netbinder::bench
