// SPDX-License-Identifier: Apache-2.0
//
// Programs that try to make the agent wait, or to keep it busy. Tests run them beside a polite pair
// of another user, and so does beside_hostile, which measures the pair.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace netbinder::testing {

struct StallingProgram {
  const char* name;
  const char* what;
  int processes = 1;
  // Runs until it is killed; returns only if something is not as it should be. It calls `ready` when
  // the harm begins, or goes on.
  std::function<int(const std::string& socket, const std::function<void()>& ready)> act;
};

const std::vector<StallingProgram>& stalling_programs();
const StallingProgram& stalling_program(const std::string& name);

}  // namespace netbinder::testing
