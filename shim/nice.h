// SPDX-License-Identifier: Apache-2.0
//
// Nice values: the driver lends a caller's to the thread that handles the call. The calling
// thread's own is remembered, so that a call needs no system call for it; it is asked for again
// when this program may have changed it, and after every sleep, when another may have. Any thread.
#pragma once

#include <cstdint>

namespace netbinder {

// Of this thread, -20 … 19.
std::int32_t current_nice();

// Something may have changed it: of this thread, or of any of this program's.
void forget_nice();
void forget_all_nice();

// Takes on the value the driver says, as far as the system permits. A thread that could not take
// its own one back is left alone.
void take_on_nice(std::int32_t nice);

}  // namespace netbinder
