// SPDX-License-Identifier: Apache-2.0
//
// The same as the debug files (node-agent/debug_text.h), for programs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

namespace netbinder {

class Driver;

// Of the files debug_file_text knows, but "proc/PID".
std::optional<nlohmann::json> debug_file_json(const Driver& driver, std::string_view file);

}  // namespace netbinder
