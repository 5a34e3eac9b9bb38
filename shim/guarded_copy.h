// SPDX-License-Identifier: Apache-2.0
//
// Access to memory that may not be there. The instructions that do it are in assembly, between
// known labels; if a thread faults at one, shim/fault_signals.h makes it return an error. Any
// thread; safe in signal handlers, as long as SIGSEGV and SIGBUS are not blocked.
#pragma once

#include <cstddef>
#include <cstdint>

namespace netbinder {

extern "C" {
// False if a byte could not be read or written; those before it may have been copied.
__attribute__((visibility("hidden"))) bool netbinder_guarded_copy(void* to, const void* from,
                                                                  std::size_t size) noexcept;
// Whether the byte can be read, or read and written; it keeps its value.
__attribute__((visibility("hidden"))) bool netbinder_can_read(const void* byte) noexcept;
__attribute__((visibility("hidden"))) bool netbinder_can_write(void* byte) noexcept;
}

// If the instruction at `address` is one that may fault: where to go on instead. Otherwise 0.
std::uintptr_t landing_of_guarded(std::uintptr_t address);

}  // namespace netbinder
