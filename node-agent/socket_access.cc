// SPDX-License-Identifier: Apache-2.0
#include "node-agent/socket_access.h"

#include <grp.h>
#include <pwd.h>

#include <charconv>

namespace netbinder {

namespace {

std::optional<std::uint32_t> number(const std::string& text) {
  std::uint32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value == UINT32_MAX) return std::nullopt;
  return value;
}

std::optional<uid_t> user_of(const std::string& name) {
  if (const auto uid = number(name)) return uid;
  const passwd* const entry = ::getpwnam(name.c_str());
  if (entry == nullptr) return std::nullopt;
  return entry->pw_uid;
}

std::optional<gid_t> group_of(const std::string& name) {
  if (const auto gid = number(name)) return gid;
  const group* const entry = ::getgrnam(name.c_str());
  if (entry == nullptr) return std::nullopt;
  return entry->gr_gid;
}

}  // namespace

std::expected<SocketAccess, std::string> socket_access(const Config& config, uid_t euid) {
  SocketAccess access;
  const bool root = euid == 0;
  std::string group = config.socket_group;
  if (!config.socket_owner.empty()) {
    access.owner = user_of(config.socket_owner);
    if (!access.owner) {
      return std::unexpected("socket_owner: there is no user '" + config.socket_owner + "'");
    }
    if (!root && *access.owner != euid) {
      return std::unexpected("socket_owner: only root's agent can give its socket to '" +
                             config.socket_owner + "'");
    }
  }
  if (!group.empty()) {
    access.group = group_of(group);
    if (!access.group) return std::unexpected("socket_group: there is no group '" + group + "'");
  } else if (root) {
    access.group = group_of(kDefaultSocketGroup);
    if (access.group) group = kDefaultSocketGroup;
  }
  access.mode = config.socket_mode.value_or(root || access.group ? 0660 : 0600);
  access.root_alone = root && !access.group && !access.owner && !config.socket_mode;
  access.words = (access.mode & 0006) == 0006 ? "everybody" : "its owner";
  if ((access.mode & 0060) == 0060 && !group.empty() && access.words != "everybody") {
    access.words += " and group " + group;
  }
  return access;
}

}  // namespace netbinder
