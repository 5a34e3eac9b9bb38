// SPDX-License-Identifier: Apache-2.0
//
// Waking an agent that sleeps. Each channel has a doorbell, an eventfd. Ringing it is a system
// call, which a program can save while the agent is awake: with `agent_armed` the agent says
// whether it needs the ring.
//
// MEMORY ORDER. Each side writes one word and then reads the other's:
//     program                            agent
//     mark_pending: sets pending_words   arm_doorbell: stores agent_armed = 1
//     must_ring:    fence                              fence
//                   loads agent_armed                  loads pending_words
// The case to exclude is that both read the old value: then the program does not ring and the agent
// sleeps. Release and acquire do not exclude it, since a store may become visible after a later
// load even on x86. The two sequentially consistent fences do: one of them comes first in the order
// of all such fences, and the load behind the other one reads what was stored before the first, or
// something newer.
//   - If the agent's fence is the first, the program finds agent_armed at 1, or at what somebody
//     stored after that. The latter is a 0 of another thread that rings at this moment, and the
//     agent that wakes by that ring looks and arms again, behind a fence of its own, before it
//     sleeps: the same argument holds for that fence. Or it is a 0 of the agent's, which is then
//     awake, and looks before it arms again.
//   - If the program's is the first, the agent finds the bit and does not sleep.
// The accesses themselves can be relaxed, because the fences order them and the contents are
// ordered by the pairs of channel/pending.h and channel/handover.h. The exchange in must_ring only
// chooses one ringer among several threads. A program's load may also read a 1 that is out of date:
// it rings an agent that is awake, which costs a system call and nothing else.
#pragma once

#include <atomic>
#include <cstdint>

#include "channel/layout.h"
#include "channel/pending.h"

namespace netbinder {

// Program, after mark_pending: whether this thread is to write to the doorbell.
inline bool must_ring(ChannelHeader& header) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return header.agent_armed.load(std::memory_order_relaxed) != 0 &&
         header.agent_armed.exchange(0, std::memory_order_relaxed) != 0;
}

// Program: whether the agent is probably asleep. For decisions that are correct either way.
inline bool agent_seems_asleep(const ChannelHeader& header) {
  return header.agent_armed.load(std::memory_order_relaxed) != 0;
}

// Agent: it is awake, and looks without a ring.
inline void disarm_doorbell(ChannelHeader& header) {
  header.agent_armed.store(0, std::memory_order_relaxed);
}

// Agent: from here on the program rings. False if something is pending already: the doorbell is
// then not armed.
inline bool arm_doorbell(ChannelHeader& header) {
  header.agent_armed.store(1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!anything_pending(header)) return true;
  disarm_doorbell(header);
  return false;
}

}  // namespace netbinder
