// SPDX-License-Identifier: Apache-2.0
//
// netbinder: the command for people and scripts.
#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "tools/commands.h"

int main(int argc, char** argv) {
  using namespace netbinder::tools;
  CLI::App app{"netbinder: Android's Binder in userspace and across the network"};
  app.require_subcommand(1);
  Chosen chosen;
  add_run_command(app, chosen);
  add_session_command(app, chosen);
  add_status_command(app, chosen);
  add_debug_commands(app, chosen);
  add_service_command(app, chosen, argv);
  add_ping_command(app, chosen, argv);
  add_bench_command(app, chosen, argv);
  CLI11_PARSE(app, argc, argv);
  try {
    return chosen();
  } catch (const std::exception& error) {
    fmt::print(stderr, "netbinder: {}\n", error.what());
    return 1;
  }
}
