// SPDX-License-Identifier: Apache-2.0
//
// The place where one thread of a program and the agent exchange requests and responses. A thread
// owns one mailbox while it lives (channel/ownership.h) and has at most one request outstanding in
// it.
//
// States, and who makes the step (how is in channel/handover.h):
//   kIdle      -> kRequested  program: the request is complete; rings the doorbell
//   kRequested -> kDone       agent: the response is complete
//   kRequested -> kCancelled  program: a signal arrived; rings the doorbell, goes on waiting
//   kCancelled -> kDone       agent: with the result so far, or -EINTR
//   kRequested, kCancelled -> kInstall   agent: descriptors are waiting on the side socket
//   kInstall   -> kInstalled  program: their numbers are in `fds`; rings the doorbell
//   kInstalled -> kDone       agent
//   kInstalled -> kRequested  agent: they could not be installed, and the read goes on
//   kDone      -> kIdle       program: it has taken the response
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "channel/limits.h"
#include "channel/request.h"
#include "channel/response.h"

namespace netbinder {

enum MailboxState : std::uint32_t {
  kIdle = 0,
  kRequested = 1,
  kDone = 2,
  kCancelled = 3,
  kInstall = 4,
  kInstalled = 5,
};

// A small call uses few cache lines: each of them moves between the two processors, and after a
// long idle time it is in the cache of neither.
struct alignas(64) Mailbox {
  // Line 0: the words that both sides watch, and the response.
  std::atomic<std::uint32_t> state;
  std::atomic<std::uint32_t> sleeping;
  std::atomic<std::uint32_t> owner;  // used by the program: tid of its thread, 0 is free
  std::atomic<std::uint32_t> may_post;
  MailboxResponse response;
  // Line 1: the request and the first staged range. From here on the program writes.
  MailboxRequest request;
  StagedRange staged[kInlineRanges];  // the first of them
  alignas(64) std::byte commands[kInlineCommandBytes];
  std::byte staging[kInlineStagingBytes];
  std::byte argument[kArgumentBytes];  // both ways
  // From here on the agent writes (`fds`: both sides).
  alignas(64) std::byte read[kReadBytes];
  std::int32_t fds[kMaxInstalledFds];
};
static_assert(sizeof(Mailbox) <= kMailboxBytes);
static_assert(offsetof(Mailbox, response) == 16 && offsetof(Mailbox, request) == 64);
static_assert(offsetof(Mailbox, staged) == 112 && offsetof(Mailbox, commands) == 1152);
static_assert(offsetof(Mailbox, read) == 3264 && std::is_standard_layout_v<Mailbox>);
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

}  // namespace netbinder
