// SPDX-License-Identifier: Apache-2.0
//
// The owner of a mailbox. Only programs use the word `owner`: threads of the program, and of
// processes that share the channel with it, claim mailboxes by it. The agent never looks at it.
//
// MEMORY ORDER. The contents that a thread finds in a mailbox it claims were written by the last
// owner, which gave it back with a release store of 0. claim_mailbox reads that 0, or the id of an
// owner that has ended, by an acquiring exchange, so everything that the last owner did there comes
// before everything that the new one does. An owner that ended without giving the mailbox back
// released nothing. But it has ended: the system call that reports this comes after all its stores.
// The three words that claiming resets need no order of their own: the agent looks at them only
// after it has seen a request, which is handed over by a release store (channel/handover.h).
#pragma once

#include <atomic>
#include <cstdint>

#include "channel/mailbox.h"

namespace netbinder {

// The thread id of the owner, or 0 if the mailbox is free. A snapshot.
inline std::uint32_t owner_of(const Mailbox& mailbox) {
  return mailbox.owner.load(std::memory_order_acquire);
}

// Takes the mailbox from `from`, which is 0 or an owner that has ended. False if somebody else was
// faster.
inline bool claim_mailbox(Mailbox& mailbox, std::uint32_t from, std::uint32_t tid) {
  if (!mailbox.owner.compare_exchange_strong(from, tid, std::memory_order_acq_rel)) return false;
  mailbox.state.store(kIdle, std::memory_order_relaxed);
  mailbox.sleeping.store(0, std::memory_order_relaxed);
  mailbox.may_post.store(0, std::memory_order_relaxed);  // it was given to another thread
  return true;
}

inline void give_mailbox_back(Mailbox& mailbox) {
  mailbox.owner.store(0, std::memory_order_release);
}

}  // namespace netbinder
