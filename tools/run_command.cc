// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tools/commands.h"
#include "tools/installation.h"

namespace netbinder::tools {

void add_run_command(CLI::App& app, Chosen& chosen) {
  struct Options {
    std::string socket;
    std::vector<std::string> command;
  };
  auto options = std::make_shared<Options>();
  CLI::App* run = app.add_subcommand("run", "run a program with the shim preloaded");
  run->add_option("--socket", options->socket, "the agent's socket");
  run->add_option("command", options->command, "the program and its arguments, after --")
      ->required();
  run->positionals_at_end();
  run->callback([options, &chosen] {
    chosen = [options]() -> int {
      if (!options->socket.empty()) ::setenv("NETBINDER_SOCKET", options->socket.c_str(), 1);
      preload_shim();
      std::vector<char*> arguments;
      for (std::string& word : options->command) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      ::execvp(arguments[0], arguments.data());
      throw std::runtime_error("cannot run " + options->command[0] + ": " + std::strerror(errno));
    };
  });
}

}  // namespace netbinder::tools
