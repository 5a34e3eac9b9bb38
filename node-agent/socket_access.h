// SPDX-License-Identifier: Apache-2.0
//
// Decides who may connect to the agent's sockets: their mode, owner and group, as the configuration
// and the agent's user have it. A socket that a user may not connect to is, for his programs, as a
// device node that he may not open.
//
// Plain values; any thread.
#pragma once

#include <sys/types.h>

#include <expected>
#include <optional>
#include <string>

#include "cluster-config/config.h"

namespace netbinder {

struct SocketAccess {
  mode_t mode = 0600;
  std::optional<uid_t> owner;  // none: whoever starts the agent
  std::optional<gid_t> group;  // none: that of whoever starts the agent
  std::string words;           // who may connect, for people
  // Root's agent serves nobody but root, and nothing says that this is wanted.
  bool root_alone = false;
};

// The group of programs' users where nothing else is configured.
inline constexpr const char* kDefaultSocketGroup = "netbinder";

// For an agent that `euid` starts. Without settings: root's agent serves root and the group
// "netbinder" (0660), or root alone where there is no such group; a user's own serves that user
// (0600). The error is in words: a user or group that does not exist, or cannot be given the
// socket.
[[nodiscard]] std::expected<SocketAccess, std::string> socket_access(const Config& config,
                                                                     uid_t euid);

}  // namespace netbinder
