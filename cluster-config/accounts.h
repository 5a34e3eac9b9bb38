// SPDX-License-Identifier: Apache-2.0
//
// Users and groups of this system, as configurations write them. Looked up when a configuration is
// read; not for the data plane, as the system's databases may be slow.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netbinder {

// The number of a user or group; nothing if it is none.
[[nodiscard]] std::optional<std::uint32_t> account_number(std::string_view text);
// Nothing if this system has no user or group of that name.
[[nodiscard]] std::optional<std::uint32_t> user_named(const std::string& name);
[[nodiscard]] std::optional<std::uint32_t> group_named(const std::string& name);

}  // namespace netbinder
