// SPDX-License-Identifier: Apache-2.0
//
// Access to memory that the program has pointed at, where a bad pointer must give EFAULT and not a
// crash (shim/guarded_copy.h). Any thread; safe in signal handlers.
#pragma once

#include <cstddef>
#include <cstdint>

namespace netbinder {

// A pointer of the program as the driver's structs have it.
inline std::uint64_t address_of(const void* pointer) {
  return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(pointer));
}

bool read_user(void* into, std::uint64_t address, std::size_t size);
bool write_user(std::uint64_t address, const void* from, std::size_t size);

// How many of the bytes at `address` can be written, up to `size`; they keep their values.
std::size_t writable_prefix(std::uint64_t address, std::size_t size);

// How many of the bytes at `address` can be read, up to `size`.
std::size_t readable_prefix(std::uint64_t address, std::size_t size);

}  // namespace netbinder
