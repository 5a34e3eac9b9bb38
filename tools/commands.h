// SPDX-License-Identifier: Apache-2.0
//
// The subcommands of netbinder. Each adds itself to the command line; when it was chosen, its
// function runs after parsing and returns the program's exit status. Errors are exceptions with a
// plain sentence, printed by main.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace netbinder::tools {

using Chosen = std::function<int()>;

void add_run_command(CLI::App& app, Chosen& chosen);
void add_session_command(CLI::App& app, Chosen& chosen);
void add_status_command(CLI::App& app, Chosen& chosen);
void add_debug_commands(CLI::App& app, Chosen& chosen);
void add_service_command(CLI::App& app, Chosen& chosen, char** argv);
void add_ping_command(CLI::App& app, Chosen& chosen, char** argv);
void add_bench_command(CLI::App& app, Chosen& chosen, char** argv);

}  // namespace netbinder::tools
