// SPDX-License-Identifier: Apache-2.0
// state, stats, transactions: the driver's debug files, without root.
#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tools/admin_client.h"
#include "tools/commands.h"

namespace netbinder::tools {

int carry_out(const DebugFileOptions& options, char** /*argv*/) {
  const auto answer =
      ask_agent(options.socket, {{"command", options.file}, {"json", options.json}});
  if (options.json) {
    fmt::print("{}\n", answer.dump(2));
  } else {
    fmt::print("{}", answer.at("text").get<std::string>());
  }
  return 0;
}

}  // namespace netbinder::tools
