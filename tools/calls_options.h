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

// Adds --host and --all to a command that asks agents.
void add_hosts(CLI::App& command, AskedHosts& hosts);

}  // namespace netbinder::tools
