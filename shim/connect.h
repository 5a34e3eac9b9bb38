// SPDX-License-Identifier: Apache-2.0
//
// Opening a binder device: connecting to the agent and setting the channel up. Any thread.
#pragma once

#include "shim/descriptor.h"
#include "shim/device_path.h"

namespace netbinder {

// As open(2) with these flags: a descriptor, or -1 with errno. ENXIO if there is no agent (said on
// stderr, once), or none that has this device.
int open_binder(const DevicePath& path, int flags);

// A binder descriptor that did not come from open_binder or a copy of what it gave, but over exec,
// a socket or a bare system call: makes it usable here. Nothing if `fd` is no such thing.
DescriptorReference attach_binder(int fd);

}  // namespace netbinder
