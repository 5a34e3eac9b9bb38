// SPDX-License-Identifier: Apache-2.0
//
// Text as TOML has it.
#pragma once

#include <string>
#include <string_view>

namespace netbinder::config_text {

[[nodiscard]] std::string quote(std::string_view text);
// A key: quoted only where it has to be.
[[nodiscard]] std::string key(std::string_view name);

}  // namespace netbinder::config_text
