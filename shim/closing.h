// SPDX-License-Identifier: Apache-2.0
//
// Closing descriptors, and giving their numbers to other files. Any thread.
#pragma once

#include <span>

namespace netbinder {

// As close(2), for any descriptor.
int close_descriptor(int fd);

// Closes those that came with a buffer that has been freed, as listed in the agent's response.
void close_received(std::span<const int> fds);

// As close_range(2), but it leaves our helpers open.
int close_descriptors(unsigned first, unsigned last, int flags);

// `fd` is about to become a copy of another descriptor (dup2), so its present file is closed. False
// if that must not happen.
bool vacate_descriptor(int fd);

// `copy` has been made of `fd`, if that is one of binder's.
void note_copy(int fd, int copy);

}  // namespace netbinder
