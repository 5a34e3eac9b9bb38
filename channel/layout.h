// SPDX-License-Identifier: Apache-2.0
//
// The channel memory: made and sealed by the agent (no growing, no shrinking), mapped by both
// sides. It holds a ChannelHeader, kMailboxes mailboxes, and behind them a staging area for each
// mailbox. Both map a staging area when they first need it; the agent touches only what the program
// has put there (node-agent/staged_memory.h).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "channel/limits.h"
#include "channel/mailbox.h"

namespace netbinder {

struct alignas(64) ChannelHeader {
  std::atomic<std::uint32_t> agent_armed;
  std::uint32_t reserved;
  std::atomic<std::uint64_t> pending_words;             // a bit for each word of `pending`
  std::atomic<std::uint64_t> pending[kMailboxes / 64];  // a bit for each mailbox
  // Written by the agent: the longest time that a thread looks for its response
  std::atomic<std::uint64_t> look_ns;
};
static_assert(sizeof(ChannelHeader) == 576 && kMailboxes % 64 == 0 && kMailboxes / 64 <= 64);
static_assert(offsetof(ChannelHeader, pending_words) == 8 && offsetof(ChannelHeader, pending) == 16);
static_assert(std::is_standard_layout_v<ChannelHeader>);

// A small call in mailbox 0 uses only bytes that share one page with the header.
inline constexpr std::uint64_t kMailboxesStart = sizeof(ChannelHeader);
static_assert(kMailboxesStart + offsetof(Mailbox, read) + 128 <= 4096);
// This is a page boundary whatever the page size, as for everything that is mapped by itself.
inline constexpr std::uint64_t kStagingStart =
    std::uint64_t{kMailboxes} * kMailboxBytes + (64U << 10);
static_assert(kMailboxesStart + std::uint64_t{kMailboxes} * kMailboxBytes <= kStagingStart);
static_assert(kStagingStart % (64U << 10) == 0 && kStagingBytes % (64U << 10) == 0);
inline constexpr std::uint64_t kChannelBytes =
    kStagingStart + std::uint64_t{kMailboxes} * kStagingBytes;

// The header of the channel memory that starts at `memory`.
inline ChannelHeader& header_at(std::byte* memory) {
  return *reinterpret_cast<ChannelHeader*>(memory);
}
// `index` is below kMailboxes.
inline Mailbox& mailbox_at(std::byte* memory, std::uint32_t index) {
  return *reinterpret_cast<Mailbox*>(memory + kMailboxesStart + std::size_t{index} * kMailboxBytes);
}
// The offset in the file of the mailbox's staging area.
constexpr std::uint64_t staging_start(std::uint32_t index) {
  return kStagingStart + std::uint64_t{index} * kStagingBytes;
}

}  // namespace netbinder
