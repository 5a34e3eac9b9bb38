// SPDX-License-Identifier: Apache-2.0
//
// The command line of netbinderd. Its parser is expensive to compile, so only this unit includes
// it.
#pragma once

#include <expected>
#include <string>

#include "cluster-config/config.h"

namespace netbinder {

struct DaemonOptions {
  ConfigSources sources;     // empty: a single host
  bool checks_only = false;  // print the configuration and exit
};

// If nothing is left to do (help was asked for, or an error was reported), returns the exit status
// instead.
std::expected<DaemonOptions, int> parse_command_line(int argc, char** argv);

}  // namespace netbinder
