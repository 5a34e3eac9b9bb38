// SPDX-License-Identifier: Apache-2.0
//
// The paths that the shim serves: binder devices, the entries of a binderfs mount at /dev/binderfs,
// and the driver's debug files.
#pragma once

#include <sys/stat.h>

#include <cstddef>

#include "channel/agent_socket.h"

namespace netbinder {

enum class PathKind {
  kOther,      // not served by the shim
  kDevice,     // a binder device; `name` is its context
  kDirectory,  // `name` is "binderfs", "features", "binder_logs" or "proc", or ".." for what is above
  kFeature,    // a file below features; it reads "1\n"
  kControl,    // /dev/binderfs/binder-control
  kDebugFile,  // of /sys/kernel/debug/binder or binder_logs; `name` is "state", "proc/123", …
  kAbsent,     // below one of those directories, but it does not exist
  kBelowDevice,  // a device with something behind it, if only a slash
};

struct DevicePath {
  PathKind kind = PathKind::kOther;
  char name[64] = {};
  bool in_binderfs = false;
};

// Duplicate slashes and "." are understood; symbolic links are not followed, and relative paths are
// kOther, as those with "..": shim/path_walk.h knows more.
DevicePath parse_device_path(const char* path);

// A directory that binderfs was mounted on has a link of this name to the mount, so that every
// program of the host knows it. Paths below the directory mean those below the link's target.
inline constexpr const char* kViewLink = ".netbinder-view";
inline constexpr const char* kViewTarget = "/dev/binderfs";

// The text of a path of ours, as a descriptor of it shows.
inline constexpr std::size_t kDevicePathBytes = 128;
void name_path(const DevicePath& path, char (&into)[kDevicePathBytes]);

// The path of the device of that name: one of the fixed ones, or of a binderfs.
DevicePath device_path(const char* name);

// Whether an agent is expected: the environment names one, or there is one at the default place.
bool agent_configured();

// The agent's socket according to the environment now.
AgentSocket find_agent();
// For a process that acts for others: the thread's answer to both questions above, until null.
inline constinit thread_local const char* agent_socket_of_thread = nullptr;

// The answer of stat for such a path, and for an open binder descriptor.
void describe_device(const DevicePath& path, struct stat& answer);

}  // namespace netbinder
