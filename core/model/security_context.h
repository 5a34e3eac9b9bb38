// SPDX-License-Identifier: Apache-2.0
//
// The security context of a program for which no label is known: made from its user, so that it
// need not be told where the user is known.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace netbinder {

[[nodiscard]] std::string context_of_user(std::uint32_t euid);
// Whether `context` is just that. Allocates nothing.
[[nodiscard]] bool is_context_of_user(std::string_view context, std::uint32_t euid);
// The longest one, without a final zero.
inline constexpr std::size_t kMaxUserContextBytes = sizeof "u:r:uid_4294967295:s0" - 1;

}  // namespace netbinder
