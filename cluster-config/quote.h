// SPDX-License-Identifier: Apache-2.0
//
// Text as TOML has it.
#pragma once

#include <string>
#include <string_view>

namespace netbinder::config_text {

[[nodiscard]] std::string quote(std::string_view text);

}  // namespace netbinder::config_text
