// SPDX-License-Identifier: Apache-2.0
//
// UTF-8, as programs have it, and UTF-16, as parcels have it. Surrogates that have lost their
// partner survive the way there and back: in UTF-8 they are written as other characters are.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace netbinder {

// The length in UTF-16 units; nothing if the text is not UTF-8.
[[nodiscard]] std::optional<std::size_t> utf16_length(std::string_view utf8);
// `utf8` is text that utf16_length has accepted; `out` has room for that many units.
void convert_to_utf16(std::string_view utf8, char16_t* out);

// The units may be at any address.
[[nodiscard]] std::size_t utf8_length(const void* units, std::size_t count);
void convert_to_utf8(const void* units, std::size_t count, char* out);
[[nodiscard]] std::string to_utf8(const void* units, std::size_t count);
// Whether they are this text.
[[nodiscard]] bool is_text(const void* units, std::size_t count, std::string_view utf8);

}  // namespace netbinder
