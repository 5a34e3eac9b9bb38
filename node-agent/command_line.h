// SPDX-License-Identifier: Apache-2.0
//
// The command line of netbinderd. Its parser is expensive to compile, so it is known to this unit
// only.
#pragma once

#include <expected>
#include <string>

namespace netbinder {

struct DaemonOptions {
  std::string config_file;   // empty: a single host
  bool checks_only = false;  // print the configuration and exit
};

// Or, if there is nothing to do any more (help was asked for, or something was wrong and has been
// said), the exit status.
std::expected<DaemonOptions, int> parse_command_line(int argc, char** argv);

}  // namespace netbinder
