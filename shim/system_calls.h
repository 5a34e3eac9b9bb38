// SPDX-License-Identifier: Apache-2.0
//
// System calls by their numbers, as the program makes them by syscall(2) or by instructions of its own.
// Any thread.
#pragma once

namespace netbinder {

// As the kernel has it: 0 and more, or a negative errno. Those that concern the shim take its ways.
long emulate_system_call(long number, const long (&arguments)[6]);
// Whether they do.
[[nodiscard]] bool concerns_shim(long number);

}  // namespace netbinder
