// SPDX-License-Identifier: Apache-2.0
//
// What of a payload is scattered: a tree of buffers that the driver gathers (BINDER_TYPE_PTR), with
// an array of descriptors in the first one. Its objects stand behind the things of a parcel.
//
//   root    pattern; at kChildPointer the address of the child; at kArray the descriptors
//   child   the numbers of the files in the array; then, if there is a grandchild, its address
//   leaf    pattern
//
// Who sends one, and who reads it, both know from the call's number what is in the patterns.
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
  // Of objects in the parcel; the array is always one.
  [[nodiscard]] std::uint32_t objects() const { return buffers() + 1; }
  [[nodiscard]] static constexpr std::size_t object_bytes(std::uint32_t objects) {
    return (objects - 1) * sizeof(binder_buffer_object) + sizeof(binder_fd_array_object);
  }
};

// A buffer of the sender's memory, and what the driver is told of it.
struct SgBuffer {
  std::vector<std::byte> bytes;
  std::optional<std::pair<std::uint64_t, std::uint64_t>> parent;  // index among these, offset
};

// In the order of their objects: root, child, the leaf if there is one.
std::vector<SgBuffer> buffers_of(const SgBlock& block, std::uint64_t number);

// What arrived: `objects` is the end of the parcel, `first` the index of the root's object in the
// parcel, `memory` gives what is at an address of the receiver's (nothing: it is not in the
// buffer). Nothing: it is not as it was sent, and `wrong` says how.
using MemoryAt =
    std::function<std::optional<std::span<const std::byte>>(std::uint64_t, std::uint64_t)>;
std::optional<SgBlock> read_block(std::span<const std::byte> objects, std::uint32_t count,
                                  std::uint64_t first, std::uint64_t number, const MemoryAt& memory,
                                  std::string& wrong);

}  // namespace netbinder::sim
