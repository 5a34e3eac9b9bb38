// SPDX-License-Identifier: Apache-2.0
//
// Opening a binder device: connecting to the agent and setting the channel up. Any thread.
#pragma once

#include "shim/descriptor.h"
#include "shim/device_path.h"

namespace netbinder {

// As open(2) with these flags: a descriptor, or -1 with errno. ENXIO if there is no agent (reported
// once on stderr), or if the agent has no such device.
int open_binder(const DevicePath& path, int flags);

// Makes a binder descriptor usable here that this process neither opened by open_binder nor copied
// from one, but got by exec, a socket or a bare system call. Nothing if `fd` is not such a
// descriptor.
DescriptorReference attach_binder(int fd);

}  // namespace netbinder
