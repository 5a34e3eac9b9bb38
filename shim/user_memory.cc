// SPDX-License-Identifier: Apache-2.0
#include "shim/user_memory.h"

#include <algorithm>

#include "shim/guarded_copy.h"

namespace netbinder {
namespace {

constexpr std::uint64_t kPageBytes = 4096;  // larger pages only make this look more often

// The lower half, where programs are.
bool is_user_range(std::uint64_t address, std::size_t size) {
  constexpr std::uint64_t kEnd = std::uint64_t{1} << 63;
  return address < kEnd && size <= kEnd - address;
}

template <typename Look>
std::size_t good_prefix(std::uint64_t address, std::size_t size, Look look) {
  std::size_t good = 0;
  while (good < size) {
    const std::uint64_t at = address + good;
    if (!is_user_range(at, 1) || !look(at)) break;
    good += std::min<std::size_t>(size - good, kPageBytes - at % kPageBytes);
  }
  return good;
}

}  // namespace

bool read_user(void* into, std::uint64_t address, std::size_t size) {
  return size == 0 ||
         (is_user_range(address, size) &&
          netbinder_guarded_copy(into, reinterpret_cast<const void*>(address), size));
}

bool write_user(std::uint64_t address, const void* from, std::size_t size) {
  return size == 0 || (is_user_range(address, size) &&
                       netbinder_guarded_copy(reinterpret_cast<void*>(address), from, size));
}

std::size_t writable_prefix(std::uint64_t address, std::size_t size) {
  return good_prefix(address, size, [](std::uint64_t at) {
    return netbinder_can_write(reinterpret_cast<void*>(at));
  });
}

std::size_t readable_prefix(std::uint64_t address, std::size_t size) {
  return good_prefix(address, size, [](std::uint64_t at) {
    return netbinder_can_read(reinterpret_cast<const void*>(at));
  });
}

}  // namespace netbinder
