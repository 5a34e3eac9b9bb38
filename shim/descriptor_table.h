// SPDX-License-Identifier: Apache-2.0
//
// Which file descriptor numbers of this process belong to binder: those of the program, and those
// of ours (helpers) that the program must not close by accident.
//
// What each number is known as stands in KnownFds; here is what it means. An entry may be out of
// date if a descriptor was closed behind the shim's back (a bare system call, fclose);
// is_still_binder asks the kernel. Any thread.
#pragma once

#include "shim/descriptor.h"

namespace netbinder {

// False: certainly not a descriptor of the program on a binder device.
bool is_binder_fd(int fd);
DescriptorReference find_binder_fd(int fd);

// Without asking the kernel.
bool is_fd_of(int fd, const Descriptor& descriptor);
// The lowest one, or -1.
int any_fd_of(const Descriptor& descriptor);

// The file behind `fd` is the one the Descriptor was opened with. Makes a system call.
bool is_still_binder(int fd, const Descriptor& descriptor);

// `fd` is one more descriptor of it. False if the number is too large for the table or memory is
// short. Takes the place of whatever the number was known as.
bool add_binder_fd(int fd, Descriptor& descriptor);

// The same, unless its last descriptor is being closed.
bool add_copy(int fd, Descriptor& descriptor);

struct RemovedFd {
  DescriptorReference descriptor;  // nothing if it was not one of binder's
  bool last = false;
};
// The number is about to be free; before it is, so that it cannot meanwhile be somebody else's.
RemovedFd remove_binder_fd(int fd);

bool is_helper_fd(int fd);
// Makes `fd` a helper; its number is remembered in `descriptor`. Closes it if the table has no
// room for it.
bool add_helper(Descriptor& descriptor, HelloDescriptor which, int fd);
// The program wants this very number for itself: ours moves elsewhere. False if it cannot.
bool move_helper_away(int fd);

// A descriptor number out of the way of the program's, close-on-exec; -1 with errno.
int duplicate_high(int fd);

}  // namespace netbinder
