// SPDX-License-Identifier: Apache-2.0
//
// Opening a binder device: connecting to the agent and setting the channel up. Any thread.
#pragma once

#include "shim/device_path.h"

namespace netbinder {

// As open(2) with these flags: a descriptor, or -1 with errno. ENXIO if there is no agent (said on
// stderr, once), or none that has this context.
int open_binder(const DevicePath& path, int flags);

}  // namespace netbinder
