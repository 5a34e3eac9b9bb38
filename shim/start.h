// SPDX-License-Identifier: Apache-2.0
//
// What has to happen in a process before the shim's first open: its parts are made ready, and
// those that a fork concerns are told of forks, which the lower ones among them learn from here
// only. Any thread.
#pragma once

namespace netbinder {

// Repeating it does nothing.
void start_shim();

}  // namespace netbinder
