// SPDX-License-Identifier: Apache-2.0
#include "node-agent/command_line.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "generated/version.h"

namespace netbinder {

std::expected<DaemonOptions, int> parse_command_line(int argc, char** argv) {
  CLI::App app{"netbinderd: the binder driver of a host, in userspace"};
  app.set_version_flag("--version", std::string("netbinderd ") + kProgramVersion,
                       "print the version and exit");
  DaemonOptions options;
  app.add_option("--config", options.sources.file,
                 "configuration (TOML), with drop-ins in FILE.d; without one, a single host");
  const auto add_key = [&](const char* flag, const char* key, const char* what) {
    app.add_option_function<std::string>(
        flag,
        [&options, flag, key](const std::string& value) {
          options.sources.flags.push_back({.flag = flag, .key = key, .value = value});
        },
        what);
  };
  add_key("--socket", "socket", "where programs find the agent");
  add_key("--host", "host", "the name of this host");
  add_key("--listen", "listen", "where other agents find this one");
  add_key("--log-level", "log_level", "trace, debug, info, warn, error or off");
  app.add_option_function<std::vector<std::string>>(
         "--set",
         [&options](const std::vector<std::string>& settings) {
           for (const std::string& setting : settings) {
             const auto equals = setting.find('=');
             if (equals == std::string::npos || equals == 0) {
               throw CLI::ValidationError("--set", "'" + setting + "' is not KEY=VALUE");
             }
             options.sources.flags.push_back({.flag = "--set",
                                              .key = setting.substr(0, equals),
                                              .value = setting.substr(equals + 1)});
           }
         },
         "any key of the configuration: KEY=VALUE, TABLE.KEY=VALUE")
      ->allow_extra_args(false);
  bool system = false;
  app.add_flag(
      "--system", system,
      "the agent of the whole machine, though root does not start it: defaults are those of "
      "root's agent");
  app.add_flag("--check", options.checks_only,
               "check the configuration, print it as it takes effect and where each value came "
               "from, and exit");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return std::unexpected(app.exit(error));
  }
  options.sources.owner = system             ? AgentOwner::kSystem
                          : ::geteuid() == 0 ? AgentOwner::kRootUser
                                             : AgentOwner::kUser;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    options.sources.environment.emplace_back(*variable);
  }
  return options;
}

}  // namespace netbinder
