// SPDX-License-Identifier: Apache-2.0
//
// The security context of a program for which no label is known. It is made from the program's
// user, so that a host that knows the user need not be sent it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace netbinder {

[[nodiscard]] std::string context_of_user(std::uint32_t euid);
// Whether `context` is the one made from that user. Allocates nothing.
[[nodiscard]] bool is_context_of_user(std::string_view context, std::uint32_t euid);
// The longest one, without a final zero.
inline constexpr std::size_t kMaxUserContextBytes = sizeof "u:r:uid_4294967295:s0" - 1;

}  // namespace netbinder
