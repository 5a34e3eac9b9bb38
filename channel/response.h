// SPDX-License-Identifier: Apache-2.0
//
// The agent's response in a mailbox: sent when a request is done, or before that with kInstall.
#pragma once

#include <cstdint>
#include <type_traits>

namespace netbinder {

struct MailboxResponse {
  std::int32_t error = 0;            // 0 or a negative errno
  std::uint32_t drain = 0;           // take this many readiness messages off the binder descriptor
  std::uint64_t write_consumed = 0;  // of the commands
  std::uint64_t read_consumed = 0;   // bytes in `read`
  std::uint32_t install_count = 0;   // kInstall: descriptors on the side socket
  std::uint32_t close_count = 0;     // kDone: the first of `fds` are to be closed
  std::uint32_t sets_nice = 0;       // kDone: the thread's nice value becomes `nice`, if it may
  std::int32_t nice = 0;
  std::uint32_t wants_looper = 0;  // BR_SPAWN_LOOPER goes to the start of the program's buffer
  std::uint32_t reserved = 0;
};
static_assert(sizeof(MailboxResponse) == 48 && std::is_trivially_copyable_v<MailboxResponse>);

}  // namespace netbinder
