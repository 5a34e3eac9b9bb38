// SPDX-License-Identifier: Apache-2.0
//
// The file descriptor numbers of this process that belong to binder: the program's own, and those
// of ours (helpers), which the program must not close by accident.
//
// KnownFds holds a word for each number; this file gives the words their meaning. An entry may be
// out of date if a descriptor was closed without the shim (a bare system call, fclose);
// is_still_binder asks the kernel. Any thread.
#pragma once

#include "shim/descriptor.h"

namespace netbinder {

// False: `fd` is certainly not a binder descriptor of the program.
bool is_binder_fd(int fd);
DescriptorReference find_binder_fd(int fd);

// Does not ask the kernel.
bool is_fd_of(int fd, const Descriptor& descriptor);
// The lowest one, or -1.
int any_fd_of(const Descriptor& descriptor);

// The file behind `fd` is the one the Descriptor was opened with. Makes a system call.
bool is_still_binder(int fd, const Descriptor& descriptor);

// Makes `fd` one more descriptor of it, in place of whatever the number was known as. False if the
// number is too large for the table or memory is short.
bool add_binder_fd(int fd, Descriptor& descriptor);

// The same, but it fails if the Descriptor's last descriptor is being closed.
bool add_copy(int fd, Descriptor& descriptor);

struct RemovedFd {
  DescriptorReference descriptor;  // nothing if it was not one of binder's
  bool last = false;
};
// To be called before the number becomes free, while it cannot be reused for another file yet.
RemovedFd remove_binder_fd(int fd);

bool is_helper_fd(int fd);
// Makes `fd` a helper and remembers its number in `descriptor`. Closes it if the table has no room
// for it.
bool add_helper(Descriptor& descriptor, HelloDescriptor which, int fd);
// The helper is needed no more.
void close_helper(Descriptor& descriptor, HelloDescriptor which);
// The program wants this number for itself: our helper moves to another one. False if it cannot.
bool move_helper_away(int fd);

// A copy of `fd` at a number that programs rarely use, close-on-exec; -1 with errno.
int duplicate_high(int fd);

}  // namespace netbinder
