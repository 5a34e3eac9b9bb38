// SPDX-License-Identifier: Apache-2.0
//
// The layout of a payload: the sizes of the three parts of a buffer, each of which starts at a
// multiple of 8 bytes. A plain value.
#pragma once

#include <cstdint>

namespace netbinder {

// Parcel data, the offsets of the objects in it, and the scatter-gather part.
struct PayloadShape {
  std::uint64_t data_size = 0;
  std::uint64_t offsets_size = 0;  // a multiple of 8
  std::uint64_t extra_size = 0;    // a multiple of 8

  static constexpr std::uint64_t kMaxPartBytes = 4U << 20;  // the largest mapping there is

  [[nodiscard]] constexpr bool valid() const {
    return data_size <= kMaxPartBytes && offsets_size <= kMaxPartBytes &&
           extra_size <= kMaxPartBytes && offsets_size % 8 == 0 && extra_size % 8 == 0;
  }
  [[nodiscard]] constexpr std::uint64_t offsets_start() const { return (data_size + 7) & ~7ULL; }
  [[nodiscard]] constexpr std::uint64_t extra_start() const {
    return offsets_start() + offsets_size;
  }
  [[nodiscard]] constexpr std::uint64_t image_size() const { return extra_start() + extra_size; }
  friend constexpr bool operator==(const PayloadShape&, const PayloadShape&) = default;
};

}  // namespace netbinder
