// SPDX-License-Identifier: Apache-2.0
//
// The paths that the shim serves: binder devices, the entries of a binderfs mount at /dev/binderfs,
// and the driver's debug files.
#pragma once

#include <sys/stat.h>

#include "channel/agent_socket.h"

namespace netbinder {

enum class PathKind {
  kOther,      // none of our business
  kDevice,     // a binder device; `name` is its context
  kDirectory,  // `name` is "binderfs", "features", "binder_logs" or "proc"
  kFeature,    // a file below features; it reads "1\n"
  kControl,    // /dev/binderfs/binder-control
  kDebugFile,  // of /sys/kernel/debug/binder or binder_logs; `name` is "state", "proc/123", …
  kAbsent,     // below those, but there is no such thing
};

struct DevicePath {
  PathKind kind = PathKind::kOther;
  char name[64] = {};
  bool in_binderfs = false;
};

// Duplicate slashes and "." are understood; symbolic links are not followed and relative paths are
// kOther.
DevicePath parse_device_path(const char* path);

// Whether an agent is expected: the environment names one, or there is one at the default place.
bool agent_configured();

// The agent's socket according to the environment now.
AgentSocket find_agent();

// The answer of stat for such a path, and for an open binder descriptor.
void describe_device(const DevicePath& path, struct stat& answer);

}  // namespace netbinder
