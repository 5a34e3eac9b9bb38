// SPDX-License-Identifier: Apache-2.0
// opendir, and the functions that use its result.
#include <dirent.h>

#include <cerrno>

#include "shim/device_path.h"
#include "shim/directory.h"
#include "shim/interpose.h"
#include "shim/real_calls.h"

namespace netbinder {

static_assert(sizeof(struct dirent) == sizeof(struct dirent64));

NETBINDER_INTERPOSE(DIR*, shim_opendir, "opendir", const char* name) {
  const DevicePath path = parse_device_path(name);
  if (path.kind != PathKind::kDirectory || !agent_configured()) return real::opendir(name);
  return reinterpret_cast<DIR*>(open_directory(path));
}

NETBINDER_INTERPOSE(struct dirent*, shim_readdir, "readdir", DIR* handle) {
  Directory* const directory = find_directory(handle);
  return directory != nullptr ? next_entry(*directory) : real::readdir(handle);
}

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
  if (find_directory(handle) == nullptr) return real::dirfd(handle);
  errno = ENOTSUP;  // as POSIX has it for a stream without a descriptor
  return -1;
}

NETBINDER_INTERPOSE(int, shim_closedir, "closedir", DIR* handle) {
  Directory* const directory = find_directory(handle);
  if (directory == nullptr) return real::closedir(handle);
  close_directory(*directory);
  return 0;
}

}  // namespace netbinder
