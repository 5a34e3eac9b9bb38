// SPDX-License-Identifier: Apache-2.0
//
// Reads the memory that a program has staged with a request (StagedRange of channel/request.h). The
// ranges are in the order in which the driver reads, so a request's ranges are gone through once,
// however many there are; nothing that the program writes there can make a search take longer.
//
// Owned by a ClientChannel. Thread: the data-plane thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "channel/layout.h"
#include "node-agent/shared_memory.h"

namespace netbinder {

// Bytes that were read, by where they were.
struct StagedBytes {
  std::uint64_t mailbox = 0;  // in the mailbox itself
  std::uint64_t mapped = 0;   // in the staging area, read from its mapping
  std::uint64_t file = 0;     // there, read with pread, as pages were missing
};

class StagedMemory {
 public:
  // How far a request's ranges have been gone through.
  struct Cursor {
    std::uint32_t ranges = 0;
    std::uint32_t next = 0;
  };

  // Counts in `bytes`.
  StagedMemory(const SharedMemory& channel, StagedBytes& bytes)
      : channel_(channel), bytes_(bytes) {}
  ~StagedMemory();
  StagedMemory(const StagedMemory&) = delete;
  StagedMemory& operator=(const StagedMemory&) = delete;

  // To be called when a mailbox has a new request.
  void begin_request(std::uint32_t mailbox) {
    if (block_ && block_->mailbox == mailbox) block_->count = 0;
  }
  // Reads `into` if one of the ranges near the cursor covers all of it, and moves the cursor there.
  bool read(std::uint32_t mailbox, Cursor& cursor, std::uint64_t address,
            std::span<std::byte> into);

 private:
  // The most ranges that a failed search looks at, in each direction.
  static constexpr std::uint32_t kLookahead = 64;
  static constexpr std::uint32_t kBlockRanges = 64;

  // Ranges that are not in the mailbox, as they were when they were first needed.
  struct Block {
    std::uint32_t mailbox = 0;
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    std::array<StagedRange, kBlockRanges> ranges;
  };

  [[nodiscard]] Mailbox& mailbox_of(std::uint32_t mailbox) const {
    return mailbox_at(channel_.memory().data(), mailbox);
  }
  StagedRange range(std::uint32_t mailbox, std::uint32_t number);
  bool copy(std::uint32_t mailbox, const StagedRange& range, std::uint64_t skip,
            std::span<std::byte> into);
  bool read_area(std::uint32_t mailbox, std::uint64_t place, std::span<std::byte> into);
  // The staging area of the mailbox, which is mapped at its first use together with its neighbours;
  // null if it cannot be.
  std::byte* area(std::uint32_t mailbox);

  static constexpr std::uint32_t kAreasMapped = 32;  // at once
  static constexpr std::size_t kMappedBytes = std::size_t{kAreasMapped} * kStagingBytes;
  static_assert(kMailboxes % kAreasMapped == 0);

  const SharedMemory& channel_;
  StagedBytes& bytes_;
  std::vector<std::byte*> mapped_;  // by the number of kAreasMapped; empty before the first
  std::unique_ptr<Block> block_;  // none before it is needed
};

}  // namespace netbinder
