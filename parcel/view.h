// SPDX-License-Identifier: Apache-2.0
//
// A parcel as it is sent or received: bytes, and the offsets of the binder objects in them.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/base/uapi.h"

namespace netbinder {

struct ParcelView {
  std::span<const std::byte> data;
  std::span<const binder_size_t> offsets;
  std::span<const std::byte> arena = {};  // of a received one: where the buffers of its objects are
};

struct ParcelBytes {
  std::vector<std::byte> data;
  std::vector<binder_size_t> offsets;
  std::vector<std::vector<std::byte>> buffers = {};  // which its objects point to
  [[nodiscard]] ParcelView view() const { return {data, offsets}; }
};

}  // namespace netbinder
