// SPDX-License-Identifier: Apache-2.0
//
// netbinder: the command for people and scripts.
#include <cstdio>
#include <exception>
#include <variant>

#include "tools/command_line.h"
#include "tools/commands.h"

int main(int argc, char** argv) {
  using namespace netbinder::tools;
  try {
    const auto command = parse_command_line(argc, argv);
    if (!command) return command.error();
    return std::visit([argv](const auto& options) { return carry_out(options, argv); }, *command);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "netbinder: %s\n", error.what());
    return 1;
  }
}
