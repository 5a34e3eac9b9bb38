// SPDX-License-Identifier: Apache-2.0
//
// Reading and writing the objects of a parcel in raw memory, with every bound checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "core/base/uapi.h"

namespace netbinder {

// The size of an object of a type; 0 for an unknown one.
inline std::size_t object_size(std::uint32_t type) {
  switch (type) {
    case BINDER_TYPE_BINDER:
    case BINDER_TYPE_WEAK_BINDER:
    case BINDER_TYPE_HANDLE:
    case BINDER_TYPE_WEAK_HANDLE:
      return sizeof(flat_binder_object);
    case BINDER_TYPE_FD:
      return sizeof(binder_fd_object);
    case BINDER_TYPE_FDA:
      return sizeof(binder_fd_array_object);
    case BINDER_TYPE_PTR:
      return sizeof(binder_buffer_object);
    default:
      return 0;
  }
}

// The type of the whole object at `offset` of the parcel's data; nothing if there is none.
inline std::optional<std::uint32_t> object_type(std::span<const std::byte> data,
                                                std::uint64_t offset) {
  std::uint32_t type = 0;
  if (offset % 4 != 0 || data.size() < sizeof type || offset > data.size() - sizeof type) {
    return std::nullopt;
  }
  std::memcpy(&type, data.data() + offset, sizeof type);
  const std::size_t size = object_size(type);
  if (size == 0 || data.size() < size || offset > data.size() - size) return std::nullopt;
  return type;
}

template <typename T>
T load(std::span<const std::byte> memory, std::uint64_t offset) {
  T value;
  std::memcpy(&value, memory.subspan(offset, sizeof value).data(), sizeof value);
  return value;
}

template <typename T>
void store(std::span<std::byte> memory, std::uint64_t offset, const T& value) {
  std::memcpy(memory.subspan(offset, sizeof value).data(), &value, sizeof value);
}

}  // namespace netbinder
