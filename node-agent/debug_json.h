// SPDX-License-Identifier: Apache-2.0
//
// The content of the debug files (node-agent/debug_text.h), for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

namespace netbinder {

class Driver;
struct Viewer;

// Knows the files that debug_file_text knows, except "proc/PID".
std::optional<nlohmann::json> debug_file_json(const Driver& driver, const Viewer& viewer,
                                              std::string_view file);

}  // namespace netbinder
