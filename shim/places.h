// SPDX-License-Identifier: Apache-2.0
//
// Descriptors that only stand for a path of ours: open with O_PATH, or directories. The kernel has no
// such file, so the descriptor is that of some other one, and the path is kept here. As with a binder
// descriptor, one that was closed without the shim is recognised by its file.
//
// Any thread.
#pragma once

#include "shim/device_path.h"

namespace netbinder {

// As open(2): a descriptor, or -1 with errno.
int open_place(const DevicePath& path, int flags);

// The number of a path /proc/self/fd/N, or -1.
int number_in_proc(const char* path);
// Whether there is any such descriptor; if not, the table need not be searched.
bool any_places();

// The path that `fd` stands for; kOther if none. Costs one load while there are none.
DevicePath place_of(int fd);
// The text of that path; false if there is none.
bool name_place(int fd, char (&into)[kDevicePathBytes]);

}  // namespace netbinder
