// SPDX-License-Identifier: Apache-2.0
//
// The facts about a machine that a reader needs to judge its figures.
#pragma once

#include <string>

namespace netbinder::bench {

struct Machine {
  std::string date;  // UTC
  std::string kernel;
  std::string processor;
  long processors = 0;
  std::string governor;     // of the first processor's frequency; empty: it cannot be seen
  std::string virtualised;  // "yes" if a hypervisor says so, else "no"
  double load = 0;          // of the last minute, when it was looked at

  static Machine look();
};

double load_now();

}  // namespace netbinder::bench
