// SPDX-License-Identifier: Apache-2.0
#include "shim/found_path.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <cstring>

#include "shim/descriptor.h"
#include "shim/places.h"
#include "shim/real_calls.h"

namespace netbinder {
namespace {

constinit thread_local char device_text[kDevicePathBytes] = {};

// Valid until the thread's next call.
const char* device_of_socket(std::uint64_t inode) {
  const char* found = nullptr;
  for_each_descriptor([&](const Descriptor& descriptor) {
    if (descriptor.socket_inode != inode) return;
    DevicePath path{.kind = PathKind::kDevice, .in_binderfs = descriptor.in_binderfs};
    std::memcpy(path.name, descriptor.device, sizeof path.name);
    name_path(path, device_text);
    found = device_text;
  });
  return found;
}

}  // namespace

bool must_be_walked_first() {
  static constinit std::atomic<int> known = 0;  // 1: no, 2: yes
  int found = known.load(std::memory_order_relaxed);
  if (found == 0) [[unlikely]] {
    const int saved_errno = errno;
    found = 1;
    for (const char* each : {"/dev/binder", "/dev/hwbinder", "/dev/vndbinder", "/dev/binderfs"}) {
      struct stat status;
      if (stat_path(AT_FDCWD, each, &status, AT_SYMLINK_NOFOLLOW) == 0) found = 2;
    }
    errno = saved_errno;
    known.store(found, std::memory_order_relaxed);
  }
  return found == 2;
}

DevicePath find_behind_links(int dir, const char* name, LastLink last) {
  const int saved_errno = errno;
  const PathOwner self{.device_of_socket = device_of_socket, .name_of_place = name_place};
  const DevicePath found = agent_configured() ? walk_path(self, dir, name, last) : DevicePath{};
  errno = saved_errno;
  return found;
}

}  // namespace netbinder
