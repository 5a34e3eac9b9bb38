// SPDX-License-Identifier: Apache-2.0
//
// The command line of netbinder. Its parser is expensive to compile, so it is known to this unit
// only.
#pragma once

#include <expected>

#include "tools/commands.h"

namespace netbinder::tools {

// The command that is wanted; or, if there is nothing to do any more (help was asked for, or
// something was wrong and has been said), the exit status.
std::expected<Command, int> parse_command_line(int argc, char** argv);

}  // namespace netbinder::tools
