// SPDX-License-Identifier: Apache-2.0
//
// Reads that are not announced to the agent. While a mailbox's `may_post` is 1, its thread need not
// mark a BINDER_WRITE_READ without commands, which blocks and has room for kPostedReadBytes at the
// start of its buffer: the agent looks for it when there is something to read. A response gives
// this permission. Any other request ends it.
//
// MEMORY ORDER. To end it the agent withdraws the permission and then looks for the read, while the
// program makes the read and then looks for the permission:
//     program                            agent
//     hand_over: stores kRequested       forbid_posting: stores may_post = 0
//     may_stay_silent: fence             posted_read_is_there: fence
//                      loads may_post                          loads state
// The two sequentially consistent fences ensure that not both read the old value (as argued in
// channel/doorbell.h): either the agent finds the read, or the program finds the permission gone
// and marks its mailbox as for any other request. Both may happen; the agent then looks at a
// mailbox for nothing. The release store and acquire load of channel/handover.h ensure that the
// request is complete when the agent finds the state.
// allow_posting needs no order of its own: the response is handed over behind it, with release, and
// the program looks at the permission only after it has seen the response.
#pragma once

#include <atomic>

#include "channel/handover.h"
#include "channel/mailbox.h"

namespace netbinder {

// Whether the request is a read that may be posted.
inline bool is_waiting_read(const MailboxRequest& request) {
  constexpr std::uint32_t kWaits = kFlagReads | kFlagFreshRead;
  return request.operation == kOpWriteRead && request.bytes == 0 &&
         (request.flags & (kWaits | kFlagNonblocking)) == kWaits &&
         request.read_capacity >= kPostedReadBytes;
}

// Program, after handing over an is_waiting_read: whether the agent is going to look for it.
inline bool may_stay_silent(const Mailbox& mailbox) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return mailbox.may_post.load(std::memory_order_relaxed) == 1;
}

// Agent, before it hands over a response.
inline void allow_posting(Mailbox& mailbox) {
  mailbox.may_post.store(1, std::memory_order_relaxed);
}

// Agent: to be followed by posted_read_is_there, unless a request has come in another way.
inline void forbid_posting(Mailbox& mailbox) {
  mailbox.may_post.store(0, std::memory_order_relaxed);
}

// Agent, after forbid_posting: whether there is a request; it need not be a read that waits. If
// there is none, the thread marks its next one.
inline bool posted_read_is_there(const Mailbox& mailbox) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return look_at(mailbox) == kRequested;
}

}  // namespace netbinder
