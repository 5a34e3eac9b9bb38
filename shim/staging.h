// SPDX-License-Identifier: Apache-2.0
//
// Sends bytes of the program along with a request (StagedRange of channel/request.h), so that the
// agent need not, or where it may not, read the program's memory.
//
// A Stager belongs to one request.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "channel/limits.h"
#include "channel/mailbox.h"

namespace netbinder {

class Stager {
 public:
  // `channel_memory` is the descriptor of the channel memory; -1 for a Stager that stages small
  // pieces only.
  Stager(Mailbox& mailbox, std::uint32_t index, int channel_memory)
      : mailbox_(mailbox), index_(index), channel_memory_(channel_memory) {}

  // Both of them inline, or nothing. Empty ones need no place.
  void stage_small(std::uint64_t data, std::uint64_t data_bytes, std::uint64_t offsets,
                   std::uint64_t offsets_bytes);

  // Inline if there is room, behind the mailboxes otherwise. False if there is no room, or nothing
  // can be read there; the agent will find that out for itself.
  bool stage(std::uint64_t address, std::uint64_t bytes);

  // A descriptor that a payload speaks of goes along as well. More than fit are left out, and the
  // agent does not find them.
  void stage_file(int fd);

  [[nodiscard]] std::uint32_t ranges() const { return ranges_; }
  [[nodiscard]] std::span<const int> files() const { return {files_.data(), file_count_}; }

 private:
  bool stage_inline(std::uint64_t address, std::uint64_t bytes);
  bool stage_large(std::uint64_t address, std::uint64_t bytes);
  [[nodiscard]] bool is_staged(std::uint64_t address, std::uint64_t bytes) const;

  Mailbox& mailbox_;
  std::uint32_t index_;
  int channel_memory_;
  std::uint32_t ranges_ = 0;
  std::uint32_t inline_used_ = 0;
  std::uint64_t large_used_ = 0;
  std::uint32_t file_count_ = 0;
  std::array<int, kMaxRights> files_;
};

// Walks the commands of a write buffer and stages what their transactions point at: small payloads
// only, or `everything`, with the buffers of scatter-gather objects. `commands` is a copy of the
// buffer, or null if it is to be read from `address`. Answers where the last command ends; behind
// the buffer if it is cut off.
std::uint64_t stage_transactions(Stager& stager, const std::byte* commands, std::uint64_t address,
                                 std::uint64_t bytes, bool everything);

}  // namespace netbinder
