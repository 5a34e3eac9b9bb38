// SPDX-License-Identifier: Apache-2.0
//
// Bytes as base64, which is text. Pure. Any thread.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace netbinder {

[[nodiscard]] std::string to_base64(std::string_view bytes);
// The bytes, or in words why there are none.
[[nodiscard]] std::expected<std::string, std::string> from_base64(std::string_view text);

}  // namespace netbinder
