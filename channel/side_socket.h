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

enum SideMessageKind : std::uint32_t { kPassFiles = 1, kIdentity = 2, kNamespaces = 3 };

// Sent before a request with kFlagPassedFiles, with `count` descriptors: those that the program has
// under the numbers `fds`, in the order in which the driver takes them, one for each mention. If one
// message has no room for all of them, the others follow at once in more messages, and `to_come`
// says how many those carry.
struct PassMessage {
  std::uint32_t kind = kPassFiles;
  std::uint32_t mailbox = 0;
  std::uint32_t count = 0;
  std::uint32_t to_come = 0;
  std::int32_t fds[kMaxRights] = {};
};
static_assert(sizeof(PassMessage) == 16 + 4 * kMaxRights);
static_assert(std::is_trivially_copyable_v<PassMessage>);

// Sent with SCM_CREDENTIALS, whose uid is the effective one. A process that has got the channel by
// a fork sends it as soon as it can, so that the agent knows that it has the descriptor. The opener
// sends it before a request with kFlagIdentity, because its effective user has changed.
struct IdentityMessage {
  std::uint32_t kind = kIdentity;
  std::uint32_t reserved = 0;
};
static_assert(sizeof(IdentityMessage) == 8 && std::is_trivially_copyable_v<IdentityMessage>);

// Sent by an opener that is in other namespaces than the agent (HelloReply has the agent's), before
// its first request with kFlagIdentity; with a descriptor of its pid namespace if that is not the
// agent's. From then on, calls show it their senders as its namespaces see them.
struct NamespacesMessage {
  std::uint32_t kind = kNamespaces;
  std::uint32_t reserved = 0;
};
static_assert(sizeof(NamespacesMessage) == 8 && std::is_trivially_copyable_v<NamespacesMessage>);

// ---- agent to program ----

// Sent with `count` descriptors for the mailbox that is in kInstall. If one message has no room for
// all of them, the others follow at once in more messages, and `to_come` says how many those carry.
struct InstallMessage {
  std::uint32_t mailbox = 0;
  std::uint32_t count = 0;
  std::uint32_t to_come = 0;
  std::uint32_t reserved = 0;
  // For each descriptor the inode of a socket, or 0. If the program has that socket under any number,
  // it makes one more descriptor of it and closes the one that has come.
  std::uint64_t twins[kMaxRights] = {};
};
static_assert(sizeof(InstallMessage) == 16 + 8 * kMaxRights);
static_assert(std::is_trivially_copyable_v<InstallMessage>);

}  // namespace netbinder
