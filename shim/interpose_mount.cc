// SPDX-License-Identifier: Apache-2.0
// mount and umount of binderfs: the directory becomes a view of /dev/binderfs.
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>

#include "shim/device_path.h"
#include "shim/interpose.h"
#include "shim/real_calls.h"

namespace netbinder {
namespace {

bool name_link(const char* folder, char (&link)[PATH_MAX]) {
  const int size = std::snprintf(link, sizeof link, "%s/%s", folder, kViewLink);
  return size > 0 && static_cast<std::size_t>(size) < sizeof link;
}

// False: it is no view, so the kernel is to be asked.
bool end_view(const char* folder) {
  char link[PATH_MAX];
  char target[64];
  const int saved_errno = errno;
  const bool ended = folder != nullptr && name_link(folder, link) &&
                     real::readlink(link, target, sizeof target) > 0 && real::unlink(link) == 0;
  errno = saved_errno;
  return ended;
}

}  // namespace

NETBINDER_INTERPOSE(int, shim_mount, "mount", const char* source, const char* target,
                    const char* type, unsigned long flags, const void* data) {
  const bool ours = type != nullptr && std::strcmp(type, "binder") == 0 && agent_configured();
  if (!ours) return real::mount(source, target, type, flags, data);
  char link[PATH_MAX];
  if (::geteuid() != 0) {
    errno = EPERM;
    return -1;
  }
  if (target == nullptr || !name_link(target, link)) {
    errno = target == nullptr ? EFAULT : ENAMETOOLONG;
    return -1;
  }
  return ::symlink(kViewTarget, link) == 0 || errno == EEXIST ? 0 : -1;
}

NETBINDER_INTERPOSE(int, shim_umount2, "umount2", const char* target, int flags) {
  return end_view(target) ? 0 : real::umount2(target, flags);
}

NETBINDER_INTERPOSE(int, shim_umount, "umount", const char* target) {
  return end_view(target) ? 0 : real::umount2(target, 0);
}

}  // namespace netbinder
