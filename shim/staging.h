// SPDX-License-Identifier: Apache-2.0
//
// Sends bytes of the program's memory along with a request (StagedRange of channel/request.h),
// where the agent need not or may not read that memory itself.
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

  // Stages both inline, or nothing. Empty ones need no place.
  void stage_small(std::uint64_t data, std::uint64_t data_bytes, std::uint64_t offsets,
                   std::uint64_t offsets_bytes);

  // Stages inline if there is room, otherwise behind the mailboxes. False if there is no room or
  // nothing can be read there; the agent will find that out for itself.
  bool stage(std::uint64_t address, std::uint64_t bytes);

  // Sends along a descriptor that a payload mentions. Those that do not fit are left out, and the
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

// Walks the commands of a write buffer and stages the payloads of its transactions: only small
// ones, or with `everything` all, and the buffers of scatter-gather objects as well. `commands` is
// a copy of the buffer, or null if it is to be read from `address`. Returns where the last command
// ends, which is behind the end of the buffer if that cuts it off.
std::uint64_t stage_transactions(Stager& stager, const std::byte* commands, std::uint64_t address,
                                 std::uint64_t bytes, bool everything);

}  // namespace netbinder
