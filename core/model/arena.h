// SPDX-License-Identifier: Apache-2.0
//
// The memory that a process receives payloads in: its place here, its address in the program, and
// the buffers in it. Part of a Process. The program sees it read-only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/model/buffer_allocator.h"

namespace netbinder {

class Arena {
 public:
  [[nodiscard]] bool mapped() const { return allocator_.mapped(); }
  // Once.
  void map(std::uint64_t user_address, std::span<std::byte> memory) {
    allocator_.map(memory.size());
    user_base_ = user_address;
    memory_ = memory;
  }

  // The program has unmapped it, or has ended while others have its descriptor: what is in it
  // stays, and nothing is received any more.
  void close() { allocator_.close(); }
  [[nodiscard]] bool starts_in(std::uint64_t address, std::uint64_t bytes) const {
    return mapped() && user_base_ >= address && user_base_ - address < bytes;
  }

  // The process has ended, and so has all that its buffers held: a buffer is just dropped. False:
  // there is none.
  bool drop_a_buffer() { return allocator_.drop_one(); }

  [[nodiscard]] BufferAllocator& allocator() { return allocator_; }
  [[nodiscard]] const BufferAllocator& allocator() const { return allocator_; }
  [[nodiscard]] std::span<std::byte> memory() const { return memory_; }

  // The memory of a buffer: all of it, or its first bytes.
  [[nodiscard]] std::span<std::byte> bytes(const Buffer& buffer) const {
    return memory_.subspan(buffer.offset(), buffer.size());
  }
  [[nodiscard]] std::span<std::byte> bytes(const Buffer& buffer, std::uint64_t count) const {
    return memory_.subspan(buffer.offset(), count);
  }
  // The address of a byte of a buffer in the program.
  [[nodiscard]] std::uint64_t user_address(const Buffer& buffer, std::uint64_t offset = 0) const {
    return user_base_ + buffer.offset() + offset;
  }
  // The program's buffer that starts at an address; null: the program has none there.
  [[nodiscard]] Buffer* programs_buffer(std::uint64_t user_address) {
    if (user_address < user_base_) return nullptr;
    Buffer* buffer = allocator_.find(user_address - user_base_);
    return buffer != nullptr && buffer->is_programs() ? buffer : nullptr;
  }

 private:
  std::uint64_t user_base_ = 0;
  std::span<std::byte> memory_;
  BufferAllocator allocator_;
};

}  // namespace netbinder
