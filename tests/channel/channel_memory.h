// SPDX-License-Identifier: Apache-2.0
//
// The channel memory of a test: header and mailboxes, shared by threads instead of processes.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

#include "channel/layout.h"

namespace netbinder::testing {

class ChannelMemory {
 public:
  ChannelMemory()
      : memory_(static_cast<std::byte*>(::mmap(nullptr, kStagingStart, PROT_READ | PROT_WRITE,
                                               MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  ~ChannelMemory() { ::munmap(memory_, kStagingStart); }
  ChannelMemory(const ChannelMemory&) = delete;
  ChannelMemory& operator=(const ChannelMemory&) = delete;

  [[nodiscard]] ChannelHeader& header() { return header_at(memory_); }
  [[nodiscard]] Mailbox& mailbox(std::uint32_t index) { return mailbox_at(memory_, index); }

 private:
  std::byte* memory_;
};

}  // namespace netbinder::testing
