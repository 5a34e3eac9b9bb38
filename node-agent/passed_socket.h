// SPDX-License-Identifier: Apache-2.0
//
// Listening sockets that whoever started the agent has made for it ($LISTEN_FDS, systemd's socket
// activation). So programs can connect before the agent is there, and the first one starts it.
//
// Thread: the data-plane thread.
#pragma once

#include <string>

#include "node-agent/unique_fd.h"

namespace netbinder {

// The one that listens at `path` and is of `type`, SOCK_SEQPACKET or SOCK_STREAM; it does not block.
// -1 if there is none, or it was taken already. Its file belongs to whoever made it.
[[nodiscard]] UniqueFd take_passed_socket(const std::string& path, int type);

}  // namespace netbinder
