// SPDX-License-Identifier: Apache-2.0
//
// The messages of the side socket (SOCK_SEQPACKET). Descriptors travel on it, beside the channel
// memory, so that the binder descriptor's readiness stays exact.
#pragma once

#include <cstdint>
#include <type_traits>

#include "channel/limits.h"

namespace netbinder {

// ---- program to agent ----

// Sent before a request with kFlagPassedFiles, with `count` descriptors: those that the program has
// under the numbers `fds`.
struct PassMessage {
  std::uint32_t mailbox = 0;
  std::uint32_t count = 0;
  std::int32_t fds[kMaxRights] = {};
  std::int32_t reserved = 0;
};
static_assert(sizeof(PassMessage) == 8 + 4 * (kMaxRights + 1));
static_assert(std::is_trivially_copyable_v<PassMessage>);

// ---- agent to program ----

// Sent with `count` descriptors for the mailbox that is in kInstall. If one message has no room for
// all of them, the others follow at once in more messages, and `to_come` says how many those carry.
struct InstallMessage {
  std::uint32_t mailbox = 0;
  std::uint32_t count = 0;
  std::uint32_t to_come = 0;
  std::uint32_t reserved = 0;
};
static_assert(sizeof(InstallMessage) == 16 && std::is_trivially_copyable_v<InstallMessage>);

}  // namespace netbinder
