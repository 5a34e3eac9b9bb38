// SPDX-License-Identifier: Apache-2.0
//
// netbinder reload: has an agent read its configuration again.
#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "tools/admin_client.h"
#include "tools/commands.h"

namespace netbinder::tools {

int carry_out(const ReloadOptions& options, char** /*argv*/) {
  const auto answer = ask_agent(options.socket, {{"command", "reload"}});
  if (options.json) {
    fmt::print("{}\n", answer.dump(2));
    return 0;
  }
  for (const auto& key : answer["changed"]) {
    fmt::print("changed: {}\n", key.get<std::string>());
  }
  for (const auto& key : answer["needs_restart"]) {
    fmt::print("needs a restart: {}\n", key.get<std::string>());
  }
  if (answer["changed"].empty() && answer["needs_restart"].empty()) {
    fmt::print("nothing has changed\n");
  }
  return 0;
}

}  // namespace netbinder::tools
