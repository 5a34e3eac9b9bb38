// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "tools/commands.h"
#include "tools/installation.h"

namespace netbinder::tools {

int carry_out(const RunOptions& options, char** /*argv*/) {
  if (!options.socket.empty()) ::setenv("NETBINDER_SOCKET", options.socket.c_str(), 1);
  preload_shim();
  std::vector<std::string> words = options.command;
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  throw std::runtime_error("cannot run " + options.command[0] + ": " + std::strerror(errno));
}

}  // namespace netbinder::tools
