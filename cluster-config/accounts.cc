// SPDX-License-Identifier: Apache-2.0
#include "cluster-config/accounts.h"

#include <grp.h>
#include <pwd.h>

#include <charconv>

namespace netbinder {

std::optional<std::uint32_t> account_number(std::string_view text) {
  std::uint32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value == UINT32_MAX) return std::nullopt;
  return value;
}

std::optional<std::uint32_t> user_named(const std::string& name) {
  const passwd* const entry = ::getpwnam(name.c_str());
  return entry == nullptr ? std::nullopt : std::optional(entry->pw_uid);
}

std::optional<std::uint32_t> group_named(const std::string& name) {
  const group* const entry = ::getgrnam(name.c_str());
  return entry == nullptr ? std::nullopt : std::optional(entry->gr_gid);
}

}  // namespace netbinder
