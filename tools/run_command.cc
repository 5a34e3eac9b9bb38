// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

#include "supervisor/supervisor.h"
#include "tools/commands.h"
#include "tools/installation.h"
#include "tools/program_kind.h"

namespace netbinder::tools {

int carry_out(const RunOptions& options, char** /*argv*/) {
  if (!options.socket.empty()) ::setenv("NETBINDER_SOCKET", options.socket.c_str(), 1);
  ProgramKind kind;
  if (options.supervised) {
    kind.mode = ProgramKind::Mode::kSupervised;
  } else if (const auto file = find_program(options.command[0])) {
    kind = kind_of_program(*file);
  }
  const auto shim_of_32_bit = kind.is_32_bit ? shim_path_of_32_bit() : std::nullopt;
  if (kind.is_32_bit && !shim_of_32_bit) kind.mode = ProgramKind::Mode::kSupervised;
  switch (kind.mode) {
    case ProgramKind::Mode::kNeither:
      throw std::runtime_error(kind.reason);
    case ProgramKind::Mode::kSupervised:
      do_not_preload_shim();
      return supervisor::run_supervised(options.command);
    case ProgramKind::Mode::kPreload:
      // The first device that it opens may be opened so.
      if (kind.makes_system_calls) ::setenv("NETBINDER_TRAP", "1", 0);
      break;
  }
  if (shim_of_32_bit) {
    preload_shim_of_32_bit(*shim_of_32_bit);
  } else {
    preload_shim(kind.preload_first);
  }
  std::vector<std::string> words = options.command;
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  throw std::runtime_error("cannot run " + options.command[0] + ": " + std::strerror(errno));
}

}  // namespace netbinder::tools
