// SPDX-License-Identifier: Apache-2.0
//
// ioctl and mmap on a binder descriptor, with the kernel driver's rules for bad pointers, counts
// and errno. The caller holds a reference to the Descriptor. Any thread.
#pragma once

#include <sys/types.h>

#include <cstddef>

#include "shim/descriptor.h"

namespace netbinder {

int ioctl_binder(Descriptor& descriptor, int fd, unsigned long request, void* argument);

void* mmap_binder(Descriptor& descriptor, int fd, void* address, std::size_t length, int protection,
                  int flags, off_t offset);

// The program has unmapped these addresses. If its arena was there, nothing can be sent to it.
void note_unmapping(void* address, std::size_t length);

}  // namespace netbinder
