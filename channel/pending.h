// SPDX-License-Identifier: Apache-2.0
//
// The mailboxes that the agent is to look at: a bit for each in `pending`, and in `pending_words` a
// bit for each word of those, so that an agent with many channels looks at one word of each.
//
// MEMORY ORDER. The program hands the mailbox over first (channel/handover.h), then sets the
// mailbox's bit, then the word's, each with a releasing read-modify-write. The agent takes them the
// other way round, each with an acquiring exchange.
//   - An agent that takes the word's bit sees the mailbox's: the exchange reads from the program's
//     fetch_or of the word, or from another thread's fetch_or after it. Read-modify-writes continue
//     a release sequence, so it synchronises with the program in both cases. In the same way, the
//     exchange that takes the mailbox's bit sees the state that was stored before it.
//   - No bit is lost: an exchange takes all bits at once and leaves none. If the agent takes the
//     word's bit and then finds the mailbox's not set, some earlier look has taken it together with
//     other bits of the word; that look saw the mailbox. If it takes the mailbox's bit because
//     another thread's had led it to the word, the word's bit is found later and leads to nothing.
// Acquire keeps the exchange of a word behind that of the words' bits, also on machines that
// reorder loads: an acquiring operation comes before everything after it.
//
// channel/doorbell.h deals with an agent that is about to sleep, and with whether it looks at all.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>

#include "channel/layout.h"

namespace netbinder {

// Program: the agent is to look at the mailbox.
inline void mark_pending(ChannelHeader& header, std::uint32_t index) {
  header.pending[index / 64].fetch_or(std::uint64_t{1} << (index % 64), std::memory_order_release);
  header.pending_words.fetch_or(std::uint64_t{1} << (index / 64), std::memory_order_release);
}

// Agent: whether a look is worthwhile. The answer may be out of date, which does no harm to an
// agent that is awake and looks again.
inline bool anything_pending(const ChannelHeader& header) {
  return header.pending_words.load(std::memory_order_relaxed) != 0;
}

// Agent: calls `handle(index)` for every mailbox that is to be looked at. Returns whether there was
// one. A program can set any bits, so the mailbox may be in any state.
template <typename Handle>
bool take_pending(ChannelHeader& header, Handle handle) {
  constexpr std::uint64_t kAllWords = ~std::uint64_t{0} >> (64 - kMailboxes / 64);
  if (!anything_pending(header)) return false;
  std::uint64_t words = header.pending_words.exchange(0, std::memory_order_acquire) & kAllWords;
  bool any = false;
  while (words != 0) {
    const auto word = static_cast<std::uint32_t>(std::countr_zero(words));
    words &= words - 1;
    std::uint64_t bits = header.pending[word].exchange(0, std::memory_order_acquire);
    any = any || bits != 0;
    while (bits != 0) {
      const auto bit = static_cast<std::uint32_t>(std::countr_zero(bits));
      bits &= bits - 1;
      handle(word * 64 + bit);
    }
  }
  return any;
}

}  // namespace netbinder
