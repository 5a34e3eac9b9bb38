// SPDX-License-Identifier: Apache-2.0
#include "node-agent/command_line.h"

#include <CLI/CLI.hpp>

namespace netbinder {

std::expected<DaemonOptions, int> parse_command_line(int argc, char** argv) {
  CLI::App app{"netbinderd: the binder driver of a host, in userspace"};
  DaemonOptions options;
  app.add_option("--config", options.config_file,
                 "configuration (TOML); without one, a single host");
  app.add_flag("--check", options.checks_only,
               "check the configuration, print it as it takes effect, and exit");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return std::unexpected(app.exit(error));
  }
  return options;
}

}  // namespace netbinder
