// SPDX-License-Identifier: Apache-2.0
//
// The preparations in a process before the shim's first open: its parts are made ready, and those
// that are concerned by a fork get their fork handlers called. The lower ones learn of forks from
// here only. Any thread.
#pragma once

namespace netbinder {

// Repeating it does nothing.
void start_shim();

}  // namespace netbinder
