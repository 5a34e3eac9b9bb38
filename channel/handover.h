// SPDX-License-Identifier: Apache-2.0
//
// Handing a mailbox to the other side, and looking whether it has come back. The steps are listed
// in channel/mailbox.h.
//
// MEMORY ORDER. The contents of a mailbox (`request`, `commands` and so on; `response`, `read` and
// so on) are plain memory. They are written first, then the state is stored with release; the other
// side loads the state with acquire and reads the contents only after it has seen the new state. A
// release store that an acquire load reads from orders everything before the store ahead of
// everything after the load, on every machine. Nothing else is needed, in either direction: this
// pair needs no fence. Fences are needed to let the other side know that there is something to look
// at, see channel/doorbell.h (program to agent) and channel/sleep.h (agent to program).
//
// From kRequested both sides may make a step at the same time: the program cancels while the agent
// answers. The program's step is therefore a compare-and-exchange, which fails if the answer is
// there already. The agent's is a plain store and may overwrite kCancelled, which does no harm: the
// program waits for the answer in either state, and finds it.
#pragma once

#include <atomic>
#include <cstdint>

#include "channel/mailbox.h"

namespace netbinder {

// The state as the other side has left it. The contents that belong to it may be read afterwards. A
// hostile program can store any number here, so the agent must expect it.
inline std::uint32_t look_at(const Mailbox& mailbox) {
  return mailbox.state.load(std::memory_order_acquire);
}

// Everything written so far now belongs to the other side.
inline void hand_over(Mailbox& mailbox, MailboxState state) {
  mailbox.state.store(state, std::memory_order_release);
}

// The same, if the state is still `from`. Program: kRequested to kCancelled. Agent: kInstalled back
// to kRequested, unless the program has written something else there.
inline bool hand_over_from(Mailbox& mailbox, MailboxState from, MailboxState state) {
  std::uint32_t expected = from;
  return mailbox.state.compare_exchange_strong(expected, state, std::memory_order_acq_rel);
}

// The program need not wait any longer for what it handed over: either the response is there, or
// there are descriptors to be taken first.
inline bool is_settled(std::uint32_t state) { return state == kDone || state == kInstall; }

}  // namespace netbinder
