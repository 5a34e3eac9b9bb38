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
};

struct ParcelBytes {
  std::vector<std::byte> data;
  std::vector<binder_size_t> offsets;
  [[nodiscard]] ParcelView view() const { return {data, offsets}; }
};

}  // namespace netbinder
