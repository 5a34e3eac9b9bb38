// SPDX-License-Identifier: Apache-2.0
#include "core/model/security_context.h"

#include <array>
#include <charconv>
#include <cstring>

namespace netbinder {

namespace {

constexpr std::string_view kBefore = "u:r:uid_";
constexpr std::string_view kAfter = ":s0";

struct UserContext {
  std::array<char, kMaxUserContextBytes> text;
  std::size_t size;
};

UserContext make(std::uint32_t euid) {
  UserContext made;
  char* const begin = made.text.data();
  std::memcpy(begin, kBefore.data(), kBefore.size());
  char* const end =
      std::to_chars(begin + kBefore.size(), begin + made.text.size() - kAfter.size(), euid).ptr;
  std::memcpy(end, kAfter.data(), kAfter.size());
  made.size = static_cast<std::size_t>(end - begin) + kAfter.size();
  return made;
}

}  // namespace

std::string context_of_user(std::uint32_t euid) {
  const UserContext made = make(euid);
  return {made.text.data(), made.size};
}

bool is_context_of_user(std::string_view context, std::uint32_t euid) {
  const UserContext made = make(euid);
  return context == std::string_view(made.text.data(), made.size);
}

}  // namespace netbinder
