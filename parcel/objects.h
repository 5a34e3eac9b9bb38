// SPDX-License-Identifier: Apache-2.0
//
// The binder objects of a parcel: how each kind is written, and where they are. Only those that the
// offsets list have been translated by the driver, which takes offsets in ascending order only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/base/uapi.h"

namespace netbinder {

// As libbinder sends them: the lowest scheduling policy, and descriptors are accepted.
inline constexpr std::uint32_t kUsualObjectFlags = 0x7f | FLAT_BINDER_FLAG_ACCEPTS_FDS;

[[nodiscard]] inline flat_binder_object handle_object(std::uint32_t handle) {
  flat_binder_object object{};
  object.hdr.type = BINDER_TYPE_HANDLE;
  object.flags = kUsualObjectFlags;
  object.handle = handle;
  return object;
}

// A node of the writing process.
[[nodiscard]] inline flat_binder_object node_object(std::uint64_t ptr, std::uint64_t cookie) {
  flat_binder_object object{};
  object.hdr.type = BINDER_TYPE_BINDER;
  object.flags = kUsualObjectFlags;
  object.binder = ptr;
  object.cookie = cookie;
  return object;
}

// It is not listed.
[[nodiscard]] inline flat_binder_object null_object() {
  flat_binder_object object{};
  object.hdr.type = BINDER_TYPE_BINDER;
  return object;
}

[[nodiscard]] inline flat_binder_object file_object(int fd) {
  flat_binder_object object{};
  object.hdr.type = BINDER_TYPE_FD;
  object.flags = kUsualObjectFlags;
  object.handle = static_cast<std::uint32_t>(fd);
  return object;
}

// Whether an object begins there.
[[nodiscard]] inline bool is_object(std::span<const binder_size_t> offsets, std::size_t start) {
  return std::binary_search(offsets.begin(), offsets.end(), start);
}

// Whether any of these bytes, at least one, are an object's.
[[nodiscard]] inline bool meets_object(std::span<const binder_size_t> offsets, std::size_t start,
                                       std::size_t size) {
  if (offsets.empty()) return false;
  // The first object that ends behind `start`.
  const auto object = std::lower_bound(offsets.begin(), offsets.end(), start,
                                       [](binder_size_t offset, std::size_t at) {
                                         return offset + sizeof(flat_binder_object) <= at;
                                       });
  return object != offsets.end() && *object < start + size;
}

}  // namespace netbinder
