// SPDX-License-Identifier: Apache-2.0
//
// The entries of a binderfs mount beside its devices: the control file, the files below features/,
// and the driver's debug files. Each opens as a file of its own in memory. Any thread.
#pragma once

#include <cstdint>

#include "shim/device_path.h"

namespace netbinder {

// As open(2): a descriptor, or -1 with errno.
int open_binderfs_file(const DevicePath& path, int flags);

// Whether there is such a file or device. Asks the agent about devices other than the fixed ones.
bool binderfs_has(const DevicePath& path);

// unlink of a device: 0, or -1 with errno.
int remove_binderfs_device(const DevicePath& path);

// BINDER_CTL_ADD on a descriptor that is known to be of binder-control: 0 or an errno. `address` is
// the argument.
int add_binderfs_device(std::uint64_t address);
// The link that the kernel shows for a descriptor of binder-control.
inline constexpr const char* kControlLink = "/memfd:binder-control (deleted)";

// BINDER_CTL_ADD. False: `fd` is not binder-control; otherwise `result` is what ioctl returns.
bool control_binderfs(int fd, unsigned long request, void* argument, int& result);

}  // namespace netbinder
