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

// A binder descriptor that this process did not open, but inherited over exec or received over a
// socket: makes it usable here. Nothing if `fd` is no such thing.
DescriptorReference attach_binder(int fd);

}  // namespace netbinder
