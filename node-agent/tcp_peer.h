// SPDX-License-Identifier: Apache-2.0
//
// The user at the other end of a TCP connection that does not leave this machine, as the kernel has
// it (sock_diag(7)). Any thread; does not wait.
#pragma once

#include <cstdint>
#include <optional>

namespace netbinder {

// Nothing: the other end is on another machine, is closed already, or the kernel does not tell.
[[nodiscard]] std::optional<std::uint32_t> user_of_tcp_peer(int socket);

}  // namespace netbinder
