// SPDX-License-Identifier: Apache-2.0
//
// The command line of netbinder. Its parser is expensive to compile, so only this unit includes it.
#pragma once

#include <expected>

#include "tools/commands.h"

namespace netbinder::tools {

// The chosen command; or, if nothing is left to do (help was asked for, or an error was reported),
// the exit status.
std::expected<Command, int> parse_command_line(int argc, char** argv);

}  // namespace netbinder::tools
