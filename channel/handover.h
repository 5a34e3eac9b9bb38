// SPDX-License-Identifier: Apache-2.0
//
// Handing a mailbox to the other side, and looking whether it has come back. The steps are listed
// in channel/mailbox.h.
//
// MEMORY ORDER. The contents of a mailbox (`request`, `commands` and so on; `response`, `read` and
// so on) are plain memory. They are written first, then the state is stored with release; the other
// side loads the state with acquire and reads the contents only after it has seen the new state. A
// release store that an acquire load reads from orders everything before the one ahead of
// everything after the other, on every machine. That is all there is to it, both ways: this pair
// needs no fence. Telling the other side that there is something to look at does, see
// channel/doorbell.h (program to agent) and channel/sleep.h (agent to program).
//
// From kRequested both sides may step at the same time: the program cancels while the agent
// answers. The program's step is therefore a compare-and-exchange, which fails when the answer is
// there. The agent's is a plain store that may overwrite kCancelled, which is as well: the program
// waits for the answer in either state, and finds it.
#pragma once

#include <atomic>
#include <cstdint>

#include "channel/mailbox.h"

namespace netbinder {

// The state as the other side has left it; what was written before it may be read now. The agent
// must expect any number.
inline std::uint32_t look_at(const Mailbox& mailbox) {
  return mailbox.state.load(std::memory_order_acquire);
}

// What was written so far is the other side's to read.
inline void hand_over(Mailbox& mailbox, MailboxState state) {
  mailbox.state.store(state, std::memory_order_release);
}

// The same, if the state is still `from`. Program: kRequested to kCancelled. Agent: kInstalled back
// to kRequested, unless the program has written something else there.
inline bool hand_over_from(Mailbox& mailbox, MailboxState from, MailboxState state) {
  std::uint32_t expected = from;
  return mailbox.state.compare_exchange_strong(expected, state, std::memory_order_acq_rel);
}

// The program need not wait any longer for what it handed over: the response is there, or
// descriptors are to be taken first.
inline bool is_settled(std::uint32_t state) { return state == kDone || state == kInstall; }

}  // namespace netbinder
