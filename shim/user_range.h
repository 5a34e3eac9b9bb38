// SPDX-License-Identifier: Apache-2.0
//
// The range of addresses that a program's pointers can have, and a walk of it page by page. The
// shim and the supervisor look at the pages in their own ways; what they refuse before they look is
// the same. Any thread; safe in signal handlers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace netbinder {

// A 64-bit program has the lower half of what five levels of page tables reach; a 32-bit one, all
// that its pointers reach.
inline constexpr std::uint64_t kUserEnd = std::uint64_t{1} << (sizeof(void*) == 8 ? 56 : 32);

[[nodiscard]] constexpr bool is_user_range(std::uint64_t address, std::size_t size) {
  return address < kUserEnd && size <= kUserEnd - address;
}

// How many of the `size` bytes at `address` lie before the first page for which `look`, called with
// an address in it, says no.
template <typename Look>
[[nodiscard]] std::size_t good_prefix(std::uint64_t address, std::size_t size, Look look) {
  constexpr std::uint64_t kPageBytes = 4096;  // where pages are larger, this only looks more often
  std::size_t good = 0;
  while (good < size) {
    const std::uint64_t at = address + good;
    if (!is_user_range(at, 1) || !look(at)) break;
    good += std::min<std::size_t>(size - good, kPageBytes - at % kPageBytes);
  }
  return good;
}

}  // namespace netbinder
