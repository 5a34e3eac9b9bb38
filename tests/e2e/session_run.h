// SPDX-License-Identifier: Apache-2.0
//
// Runs a bash script under `netbinder session` and gives back what it printed. The programs of the
// build are on the script's PATH.
#pragma once

#include <string>
#include <vector>

namespace netbinder::testing {

struct RunResult {
  int status = -1;     // of the script; 128 + N for a signal; 124 when it took too long
  std::string output;  // stdout and stderr, as they came
};

// A script of its own, with the build's programs on its PATH.
RunResult run_script(const std::string& script);
// Between the hosts of sessions: NETBINDER_TEST_TRANSPORT in the environment, or "tcp".
std::string transport_of_tests();
// A script inside `netbinder session --transport … OPTIONS`.
RunResult run_session(const std::string& options, const std::string& script);

}  // namespace netbinder::testing
