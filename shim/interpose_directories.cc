// SPDX-License-Identifier: Apache-2.0
// opendir, and the functions that use its result.
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>

#include "shim/device_path.h"
#include "shim/directory.h"
#include "shim/found_path.h"
#include "shim/interpose.h"
#include "shim/places.h"
#include "shim/real_calls.h"

namespace netbinder {

static_assert(sizeof(struct dirent) == sizeof(struct dirent64));

namespace {

// Whether binderfs was mounted on the directory.
bool is_view(const char* folder) {
  char link[PATH_MAX];
  char target[64];
  const int size = std::snprintf(link, sizeof link, "%s/%s", folder, kViewLink);
  if (size <= 0 || static_cast<std::size_t>(size) >= sizeof link || !agent_configured()) return false;
  const int saved_errno = errno;
  const ssize_t got = real::readlink(link, target, sizeof target);
  errno = saved_errno;
  return got == static_cast<ssize_t>(std::strlen(kViewTarget)) &&
         std::memcmp(target, kViewTarget, std::strlen(kViewTarget)) == 0;
}

}  // namespace

NETBINDER_INTERPOSE(DIR*, shim_opendir, "opendir", const char* name) {
  const auto ours = [](const DevicePath& path, DIR*& result) {
    if (path.kind != PathKind::kDirectory || !agent_configured()) return false;
    result = reinterpret_cast<DIR*>(open_directory(path));
    return true;
  };
  return ours_or_real(AT_FDCWD, name, LastLink::kFollow, static_cast<DIR*>(nullptr), ours, [&] {
    DIR* result = nullptr;
    if (is_view(name) && ours(parse_device_path(kViewTarget), result)) return result;
    return real::opendir(name);
  });
}

NETBINDER_INTERPOSE(DIR*, shim_fdopendir, "fdopendir", int fd) {
  const DevicePath path = place_of(fd);
  if (path.kind != PathKind::kDirectory) return real::fdopendir(fd);
  Directory* const directory = open_directory(path);
  if (directory != nullptr) set_descriptor(*directory, fd);
  return reinterpret_cast<DIR*>(directory);
}

#if defined(__LP64__)  // otherwise it gives another struct
NETBINDER_INTERPOSE(struct dirent*, shim_readdir, "readdir", DIR* handle) {
  Directory* const directory = find_directory(handle);
  return directory != nullptr ? next_entry(*directory) : real::readdir(handle);
}
#endif

NETBINDER_INTERPOSE(struct dirent*, shim_readdir64, "readdir64", DIR* handle) {
  Directory* const directory = find_directory(handle);
  return directory != nullptr ? next_entry(*directory) : real::readdir(handle);
}

NETBINDER_INTERPOSE(void, shim_rewinddir, "rewinddir", DIR* handle) {
  if (Directory* const directory = find_directory(handle)) {
    rewind_directory(*directory);
  } else {
    real::rewinddir(handle);
  }
}

NETBINDER_INTERPOSE(int, shim_dirfd, "dirfd", DIR* handle) {
  Directory* const directory = find_directory(handle);
  return directory == nullptr ? real::dirfd(handle) : descriptor_of(*directory);
}

NETBINDER_INTERPOSE(int, shim_closedir, "closedir", DIR* handle) {
  Directory* const directory = find_directory(handle);
  if (directory == nullptr) return real::closedir(handle);
  close_directory(*directory);
  return 0;
}

}  // namespace netbinder
