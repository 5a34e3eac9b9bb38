// SPDX-License-Identifier: Apache-2.0
//
// Memory of a parcel that has ended, kept for the next one of the same thread: a thread that makes
// large calls one after another allocates once. One piece for each thread, up to kMostSpareBytes.
#pragma once

#include <cstddef>

namespace netbinder::ndk {

inline constexpr std::size_t kMostSpareBytes = std::size_t{128} << 10;

// From malloc, or what was kept, and then `size` becomes what it has; null if there is none.
[[nodiscard]] void* take_memory(std::size_t& size);
// Keeps it, or frees it.
void give_back_memory(void* memory, std::size_t size);

}  // namespace netbinder::ndk
