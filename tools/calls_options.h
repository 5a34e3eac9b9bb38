// SPDX-License-Identifier: Apache-2.0
//
// The part of the command line that is about following calls: log, trace and monitor; and ui.
#pragma once

#include "tools/commands.h"

namespace CLI {
class App;
}

namespace netbinder::tools {

// Adds the commands. If one of them is given, its options are put into `chosen`, which outlives the
// parsing.
void add_calls_commands(CLI::App& app, Command& chosen);

}  // namespace netbinder::tools
