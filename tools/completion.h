// SPDX-License-Identifier: Apache-2.0
//
// Completion of netbinder's command line for shells, its manual page's commands and the document
// about them, made from the command line's own description, so that they cannot lag behind.
#pragma once

#include <cstdint>
#include <string>

namespace CLI {
class App;
}

namespace netbinder::tools {

enum class Shell : std::uint8_t { kBash, kZsh };

// A script that the shell reads, for a command of that name.
[[nodiscard]] std::string completion_script(const CLI::App& app, const std::string& name,
                                            Shell shell);
// A section of a page for man(7).
[[nodiscard]] std::string manual_commands(const CLI::App& app, const std::string& name);
// A document in Markdown: docs/TOOLS.md.
[[nodiscard]] std::string document_commands(const CLI::App& app, const std::string& name);

}  // namespace netbinder::tools
