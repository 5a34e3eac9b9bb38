// SPDX-License-Identifier: Apache-2.0
//
// Memory shared with a program: a sealed memfd (it can neither grow nor shrink, so no access here
// can fail) and the agent's own mapping of it. Pages are allocated when first touched.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

#include "node-agent/unique_fd.h"

namespace netbinder {

class SharedMemory {
 public:
  enum class Access { kProgramReads, kProgramWrites };

  // `bytes` in all, of which the first `mapped_bytes` are mapped here. With kProgramReads the
  // program's descriptor is read-only, and no further writable mapping can be made.
  static std::expected<SharedMemory, int> create(const char* name, std::uint64_t bytes,
                                                 std::uint64_t mapped_bytes, Access access);

  SharedMemory() = default;
  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&& other) noexcept;
  ~SharedMemory();

  [[nodiscard]] std::span<std::byte> memory() const { return {base_, mapped_bytes_}; }
  // The descriptor for the program.
  [[nodiscard]] int program_fd() const { return program_fd_.get(); }
  void close_program_fd() { program_fd_.reset(); }

 private:
  std::byte* base_ = nullptr;
  std::size_t mapped_bytes_ = 0;
  UniqueFd program_fd_;
};

}  // namespace netbinder
