// SPDX-License-Identifier: Apache-2.0
//
// The error for a command that does not exist.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace netbinder::tools {

// "there is no command 'statuss'; did you mean 'status'?"; nothing if the words begin with commands of
// the program, as far as they are commands.
[[nodiscard]] std::optional<std::string> unknown_command(const CLI::App& app,
                                                         const std::vector<std::string>& words);

}  // namespace netbinder::tools
