// SPDX-License-Identifier: Apache-2.0
#include "shim/user_memory.h"

#include "shim/guarded_copy.h"
#include "shim/user_range.h"

namespace netbinder {
namespace {

void* pointer_to(std::uint64_t address) {
  return reinterpret_cast<void*>(static_cast<std::uintptr_t>(address));
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
