// SPDX-License-Identifier: Apache-2.0
//
// Nice values: the driver lends the caller's to the thread that handles the call. The calling
// thread's own is remembered, so that a call needs no system call for it. It is read again when
// this program may have changed it, and after every sleep, when another program may have. Any
// thread.
#pragma once

#include <cstdint>

namespace netbinder {

// The nice value of this thread, -20 … 19.
std::int32_t current_nice();

// Something may have changed it: for this thread, or for any thread of this program.
void forget_nice();
void forget_all_nice();

// Sets the nice value that the driver gives, as far as the system permits. A thread that could not
// take its own value back is left alone.
void take_on_nice(std::int32_t nice);

}  // namespace netbinder
