// SPDX-License-Identifier: Apache-2.0
// state, stats, transactions: the driver's debug files, without root.
#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tools/commands.h"
#include "tools/host_answers.h"

namespace netbinder::tools {

int carry_out(const DebugFileOptions& options, char** /*argv*/) {
  const auto answers =
      ask_hosts(options.socket, options.hosts, {{"command", options.file}, {"json", options.json}},
                options.timeout_s);
  return print_answers(answers, options.hosts, options.json, [](const nlohmann::json& answer) {
    fmt::print("{}", answer.at("text").get<std::string>());
  });
}

}  // namespace netbinder::tools
