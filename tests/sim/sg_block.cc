// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/sg_block.h"

#include <cstring>

namespace netbinder::sim {

namespace {

constexpr std::size_t kLeafBytes = 40;

std::byte pattern(std::uint64_t number, std::size_t at) {
  return static_cast<std::byte>(number * 17 + at * 3 + 1);
}

std::vector<std::byte> patterned(std::uint64_t number, std::size_t bytes) {
  std::vector<std::byte> made(bytes);
  for (std::size_t i = 0; i < bytes; ++i) made[i] = pattern(number, i);
  return made;
}

template <typename T>
T load(std::span<const std::byte> bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

}  // namespace

std::vector<SgBuffer> buffers_of(const SgBlock& block, std::uint64_t number) {
  std::vector<SgBuffer> made;
  SgBuffer& root = made.emplace_back();
  root.bytes = patterned(number, SgBlock::kArray + block.fds.size() * sizeof(std::int32_t));
  if (!block.fds.empty()) {
    std::memcpy(root.bytes.data() + SgBlock::kArray, block.fds.data(),
                block.fds.size() * sizeof(std::int32_t));
  }
  SgBuffer& child = made.emplace_back();
  child.parent = {0, SgBlock::kChildPointer};
  child.bytes.resize((block.files.size() + 1) * sizeof(FileId));
  if (!block.files.empty()) {
    std::memcpy(child.bytes.data(), block.files.data(), block.files.size() * sizeof(FileId));
  }
  if (block.leaf) {
    made.push_back({.bytes = patterned(number, kLeafBytes),
                    .parent = std::pair{std::uint64_t{1}, block.files.size() * sizeof(FileId)}});
  }
  return made;
}

std::optional<SgBlock> read_block(std::span<const std::byte> objects, std::uint32_t count,
                                  std::uint64_t first, std::uint64_t number, const MemoryAt& memory,
                                  std::string& wrong) {
  const auto fail = [&wrong](const char* how) {
    wrong = how;
    return std::nullopt;
  };
  if (count < 3 || count > 4 || objects.size() != SgBlock::object_bytes(count)) {
    return fail("a scattered payload of another shape");
  }
  SgBlock block;
  block.leaf = count == 4;
  std::vector<std::span<const std::byte>> buffers;
  std::vector<std::uint64_t> addresses;
  for (std::uint32_t i = 0; i + 1 < count; ++i) {
    const auto object = load<binder_buffer_object>(objects, i * sizeof(binder_buffer_object));
    if (object.hdr.type != BINDER_TYPE_PTR) return fail("a buffer's object has changed its type");
    const bool has_parent = (object.flags & BINDER_BUFFER_FLAG_HAS_PARENT) != 0;
    if (has_parent != (i > 0) || (has_parent && object.parent != first + i - 1)) {
      return fail("a buffer has another parent");
    }
    const auto bytes = memory(object.buffer, object.length);
    if (!bytes) return fail("a buffer's address leads elsewhere");
    buffers.push_back(*bytes);
    addresses.push_back(object.buffer);
  }
  const auto array =
      load<binder_fd_array_object>(objects, (count - 1) * sizeof(binder_buffer_object));
  if (array.hdr.type != BINDER_TYPE_FDA || array.parent != first ||
      array.parent_offset != SgBlock::kArray) {
    return fail("an array of descriptors has changed");
  }
  const std::size_t fds = array.num_fds;
  const std::span<const std::byte> root = buffers[0];
  const std::span<const std::byte> child = buffers[1];
  if (root.size() != SgBlock::kArray + fds * sizeof(std::int32_t) ||
      child.size() != (fds + 1) * sizeof(FileId)) {
    return fail("a buffer has another size");
  }
  for (std::size_t i = 0; i < SgBlock::kChildPointer; ++i) {
    if (root[i] != pattern(number, i)) return fail("a buffer's bytes have changed");
  }
  if (load<std::uint64_t>(root, SgBlock::kChildPointer) != addresses[1]) {
    return fail("a pointer in a buffer leads elsewhere");
  }
  block.fds.resize(fds);
  block.files.resize(fds);
  for (std::size_t i = 0; i < fds; ++i) {
    block.fds[i] = load<std::int32_t>(root, SgBlock::kArray + i * sizeof(std::int32_t));
    block.files[i] = load<FileId>(child, i * sizeof(FileId));
  }
  if (!block.leaf) return block;
  if (load<std::uint64_t>(child, fds * sizeof(FileId)) != addresses[2]) {
    return fail("a pointer in a buffer leads elsewhere");
  }
  if (buffers[2].size() != kLeafBytes) return fail("a buffer has another size");
  for (std::size_t i = 0; i < kLeafBytes; ++i) {
    if (buffers[2][i] != pattern(number, i)) return fail("a buffer's bytes have changed");
  }
  return block;
}

}  // namespace netbinder::sim
