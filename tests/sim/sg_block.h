// SPDX-License-Identifier: Apache-2.0
//
// The scattered part of a payload: a tree of buffers that the driver gathers (BINDER_TYPE_PTR),
// with an array of descriptors in the first one. Its objects come after the things of a parcel.
//
//   root    pattern; at kChildPointer the address of the child; at kArray the descriptors
//   child   the numbers of the files in the array; then, if there is a grandchild, its address
//   leaf    pattern
//
// Sender and receiver both know from the call's number what is in the patterns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/uapi.h"
#include "tests/sim/open_files.h"

namespace netbinder::sim {

struct SgBlock {
  static constexpr std::size_t kChildPointer = 8;
  static constexpr std::size_t kArray = 16;

  std::vector<std::int32_t> fds;  // as its sender, or its receiver, has them
  std::vector<FileId> files;      // what they are
  bool leaf = false;

  [[nodiscard]] std::uint32_t buffers() const { return leaf ? 3 : 2; }
  // The number of objects in the parcel; one of them is always the array.
  [[nodiscard]] std::uint32_t objects() const { return buffers() + 1; }
  [[nodiscard]] static constexpr std::size_t object_bytes(std::uint32_t objects) {
    return (objects - 1) * sizeof(binder_buffer_object) + sizeof(binder_fd_array_object);
  }
};

// A buffer of the sender's memory, and its description for the driver.
struct SgBuffer {
  std::vector<std::byte> bytes;
  std::optional<std::pair<std::uint64_t, std::uint64_t>> parent;  // index among these, offset
};

// The buffers in the order of their objects: root, child, and the leaf if there is one.
std::vector<SgBuffer> buffers_of(const SgBlock& block, std::uint64_t number);

// Reads an arrived block. `objects` is the end of the parcel, `first` the index of the root's
// object in the parcel; `memory` gives the receiver's bytes at an address (nothing if that is not
// in the buffer). Returns nothing if the block is not as it was sent; `wrong` then says how.
using MemoryAt =
    std::function<std::optional<std::span<const std::byte>>(std::uint64_t, std::uint64_t)>;
std::optional<SgBlock> read_block(std::span<const std::byte> objects, std::uint32_t count,
                                  std::uint64_t first, std::uint64_t number, const MemoryAt& memory,
                                  std::string& wrong);

}  // namespace netbinder::sim
