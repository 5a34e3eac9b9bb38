// SPDX-License-Identifier: Apache-2.0
#include "shim/user_memory.h"

#include <algorithm>

#include "shim/guarded_copy.h"

namespace netbinder {
namespace {

constexpr std::uint64_t kPageBytes = 4096;  // larger pages only make this look more often

// The lower half, where programs are; of 32-bit ones, all that a pointer reaches.
bool is_user_range(std::uint64_t address, std::size_t size) {
  constexpr std::uint64_t kEnd = std::uint64_t{1} << (sizeof(void*) * 8 - (sizeof(void*) / 8));
  return address < kEnd && size <= kEnd - address;
}

void* pointer_to(std::uint64_t address) {
  return reinterpret_cast<void*>(static_cast<std::uintptr_t>(address));
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
          netbinder_guarded_copy(into, pointer_to(address), size));
}

bool write_user(std::uint64_t address, const void* from, std::size_t size) {
  return size == 0 || (is_user_range(address, size) &&
                       netbinder_guarded_copy(pointer_to(address), from, size));
}

std::size_t writable_prefix(std::uint64_t address, std::size_t size) {
  return good_prefix(address, size, [](std::uint64_t at) {
    return netbinder_can_write(pointer_to(at));
  });
}

std::size_t readable_prefix(std::uint64_t address, std::size_t size) {
  return good_prefix(address, size, [](std::uint64_t at) {
    return netbinder_can_read(pointer_to(at));
  });
}

}  // namespace netbinder
