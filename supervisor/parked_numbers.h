// SPDX-License-Identifier: Apache-2.0
//
// Descriptors of supervised programs that the driver has closed (those of an array, when its buffer
// is freed). A supervisor can replace a program's descriptor, but not close it: it becomes one of an
// empty file, and the next descriptor that the program receives takes its number.
//
// Any thread.
#pragma once

#include "supervisor/caller.h"

namespace netbinder::supervisor {

void park(const Caller& caller, int number);
// A number of that process; -1 if there is none.
int take_parked(int pid);
// The process has ended.
void forget_parked(int pid);

}  // namespace netbinder::supervisor
