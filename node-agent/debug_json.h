// SPDX-License-Identifier: Apache-2.0
//
// The content of the debug files (node-agent/debug_text.h), for programs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace netbinder {

class Driver;
struct DebugContent;
struct Viewer;

// "state", "stats" or "transactions", as a JSON object; nothing for other files. Any thread.
std::optional<std::string> debug_file_json(const DebugContent& content, std::string_view file);
// The logs, as a JSON object; nothing for other files.
std::optional<std::string> debug_log_json(const Driver& driver, const Viewer& viewer,
                                          std::string_view file);

}  // namespace netbinder
