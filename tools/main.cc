// SPDX-License-Identifier: Apache-2.0
//
// netbinder: the command for people and scripts.
#include <concepts>
#include <cstdio>
#include <exception>
#include <variant>

#include "tools/command_line.h"
#include "tools/commands.h"
#include "tools/time_limit.h"

namespace netbinder::tools {
namespace {

template <typename Options>
int carry_out_in_time(const Options& options, char** argv) {
  if constexpr (std::derived_from<Options, TimeLimited>) {
    const TimeLimit limit(options.timeout_s);
    return carry_out(options, argv);
  } else {
    return carry_out(options, argv);
  }
}

}  // namespace
}  // namespace netbinder::tools

int main(int argc, char** argv) {
  using namespace netbinder::tools;
  try {
    const auto command = parse_command_line(argc, argv);
    if (!command) return command.error();
    return std::visit([argv](const auto& options) { return carry_out_in_time(options, argv); }, *command);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "netbinder: %s\n", error.what());
    return 1;
  }
}
