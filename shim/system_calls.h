// SPDX-License-Identifier: Apache-2.0
//
// System calls by their numbers, as the program makes them by syscall(2) or by instructions of its own.
// Any thread.
#pragma once

namespace netbinder {

// Returns as the kernel does: 0 and more, or a negative errno. The shim handles calls on its own.
long emulate_system_call(long number, const long (&arguments)[6]);
// Whether the call concerns the shim.
[[nodiscard]] bool concerns_shim(long number);

}  // namespace netbinder
