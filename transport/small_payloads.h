// SPDX-License-Identifier: Apache-2.0
//
// Memory for small payloads on their way to peers. Blocks are used again in turn, so that calls one
// after another allocate nothing. A block lives as long as a payload in it, whatever becomes of
// this object. The thread of the transport.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/wire/payload.h"

namespace netbinder {

class SmallPayloads {
 public:
  // Not cleared. Others' memory if it is large, or if the next block is still in use.
  [[nodiscard]] Payload allocate(std::uint64_t bytes) {
    if (bytes == 0 || bytes > kBlockBytes) return Payload::allocate(bytes);
    std::shared_ptr<Block>& block = blocks_[next_++ % kBlocks];
    if (!block) block = std::make_shared_for_overwrite<Block>();
    if (block.use_count() > 1) return Payload::allocate(bytes);
    return {std::span(*block).first(bytes), block};
  }

 private:
  static constexpr std::size_t kBlockBytes = 1024;
  static constexpr std::size_t kBlocks = 16;
  using Block = std::array<std::byte, kBlockBytes>;

  std::array<std::shared_ptr<Block>, kBlocks> blocks_;
  std::size_t next_ = 0;
};

}  // namespace netbinder
