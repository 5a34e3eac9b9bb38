// SPDX-License-Identifier: Apache-2.0
#include "node-agent/socket_access.h"

#include "cluster-config/accounts.h"

namespace netbinder {

namespace {

// By number or by name.
std::optional<uid_t> user_of(const std::string& text) {
  const auto number = account_number(text);
  return number ? number : user_named(text);
}

std::optional<gid_t> group_of(const std::string& text) {
  const auto number = account_number(text);
  return number ? number : group_named(text);
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
