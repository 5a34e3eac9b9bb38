// SPDX-License-Identifier: Apache-2.0
//
// Supervised mode: runs a program that no library can be preloaded into (static, of another C library,
// with system calls of its own, 32-bit, set-uid) under a seccomp filter that hands its calls on binder
// devices to this process, its ancestor, by user notification. Everything that descends from the
// program is supervised as well, for as long as any of it lives.
//
// If the supervisor ends, the calls that the filter hands over fail with ENOSYS, and the agent ends the
// channels.
#pragma once

#include <string>
#include <vector>

namespace netbinder::supervisor {

// Runs the command and returns its exit status (128 + N for a signal). Throws std::runtime_error if
// it cannot be started.
int run_supervised(const std::vector<std::string>& command);

}  // namespace netbinder::supervisor
