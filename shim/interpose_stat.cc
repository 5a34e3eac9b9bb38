// SPDX-License-Identifier: Apache-2.0
// access, stat and their variants: a binder device is there if an agent is configured.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "shim/binderfs.h"
#include "shim/descriptor_table.h"
#include "shim/device_path.h"
#include "shim/interpose.h"
#include "shim/real_calls.h"

namespace netbinder {
namespace {

// Both are the same if off_t has 64 bits.
static_assert(sizeof(struct stat) == sizeof(struct stat64));

bool is_ours(const DevicePath& path) { return path.kind != PathKind::kOther && agent_configured(); }

// False: the path is not ours. Otherwise `result` is what access returns.
bool access_ours(const char* name, int mode, int& result) {
  const DevicePath path = parse_device_path(name);
  if (!is_ours(path)) return false;
  result = -1;
  if (!binderfs_has(path)) {
    errno = ENOENT;
  } else if ((mode & X_OK) != 0 && path.kind != PathKind::kDirectory) {
    errno = EACCES;
  } else if ((mode & W_OK) != 0 && path.kind != PathKind::kDevice &&
             path.kind != PathKind::kControl) {
    errno = EACCES;
  } else {
    result = 0;
  }
  return true;
}

bool stat_ours(const char* name, struct stat* answer, int& result) {
  const DevicePath path = parse_device_path(name);
  if (!is_ours(path)) return false;
  if (!binderfs_has(path)) {
    errno = ENOENT;
    result = -1;
  } else {
    describe_device(path, *answer);
    result = 0;
  }
  return true;
}

int fstat_any(int fd, struct stat* answer) {
  if (is_binder_fd(fd)) {
    const DescriptorReference descriptor = find_binder_fd(fd);
    const int saved_errno = errno;
    if (descriptor && is_still_binder(fd, *descriptor)) {
      DevicePath path{.kind = PathKind::kDevice};
      std::memcpy(path.name, descriptor->device, sizeof path.name);
      describe_device(path, *answer);
      errno = saved_errno;
      return 0;
    }
    errno = saved_errno;
  }
  return real::fstat(fd, answer);
}

int stat_any(const char* path, struct stat* answer) {
  int result = 0;
  return stat_ours(path, answer, result) ? result : real::stat(path, answer);
}

int lstat_any(const char* path, struct stat* answer) {
  int result = 0;
  return stat_ours(path, answer, result) ? result : real::lstat(path, answer);
}

int fstatat_any(int dir, const char* path, struct stat* answer, int flags) {
  if ((flags & AT_EMPTY_PATH) != 0 && path != nullptr && path[0] == '\0' && is_binder_fd(dir)) {
    return fstat_any(dir, answer);
  }
  int result = 0;
  return stat_ours(path, answer, result) ? result : real::fstatat(dir, path, answer, flags);
}

void convert(const struct stat& from, struct statx& to) {
  std::memset(&to, 0, sizeof to);
  to.stx_mask = STATX_BASIC_STATS;
  to.stx_blksize = static_cast<unsigned>(from.st_blksize);
  to.stx_nlink = static_cast<unsigned>(from.st_nlink);
  to.stx_mode = static_cast<unsigned short>(from.st_mode);
  to.stx_ino = from.st_ino;
  to.stx_rdev_major = major(from.st_rdev);
  to.stx_rdev_minor = minor(from.st_rdev);
}

}  // namespace

NETBINDER_INTERPOSE(int, shim_access, "access", const char* path, int mode) {
  int result = 0;
  return access_ours(path, mode, result) ? result : real::access(path, mode);
}

NETBINDER_INTERPOSE(int, shim_faccessat, "faccessat", int dir, const char* path, int mode,
                    int flags) {
  int result = 0;
  return access_ours(path, mode, result) ? result : real::faccessat(dir, path, mode, flags);
}

NETBINDER_INTERPOSE(int, shim_euidaccess, "euidaccess", const char* path, int mode) {
  int result = 0;
  return access_ours(path, mode, result) ? result : real::euidaccess(path, mode);
}

NETBINDER_INTERPOSE(int, shim_eaccess, "eaccess", const char* path, int mode) {
  int result = 0;
  return access_ours(path, mode, result) ? result : real::euidaccess(path, mode);
}

#define NETBINDER_STAT_FAMILY(suffix)                                                          \
  NETBINDER_INTERPOSE(int, shim_stat##suffix, "stat" #suffix, const char* path,                \
                      struct stat* answer) {                                                   \
    return stat_any(path, answer);                                                             \
  }                                                                                            \
  NETBINDER_INTERPOSE(int, shim_lstat##suffix, "lstat" #suffix, const char* path,              \
                      struct stat* answer) {                                                   \
    return lstat_any(path, answer);                                                            \
  }                                                                                            \
  NETBINDER_INTERPOSE(int, shim_fstat##suffix, "fstat" #suffix, int fd, struct stat* answer) { \
    return fstat_any(fd, answer);                                                              \
  }                                                                                            \
  NETBINDER_INTERPOSE(int, shim_fstatat##suffix, "fstatat" #suffix, int dir, const char* path, \
                      struct stat* answer, int flags) {                                        \
    return fstatat_any(dir, path, answer, flags);                                              \
  }                                                                                            \
  /* What programs built before glibc 2.33 call; `version` has one value on 64-bit systems. */ \
  NETBINDER_INTERPOSE(int, shim_xstat##suffix, "__xstat" #suffix, int, const char* path,       \
                      struct stat* answer) {                                                   \
    return stat_any(path, answer);                                                             \
  }                                                                                            \
  NETBINDER_INTERPOSE(int, shim_lxstat##suffix, "__lxstat" #suffix, int, const char* path,     \
                      struct stat* answer) {                                                   \
    return lstat_any(path, answer);                                                            \
  }                                                                                            \
  NETBINDER_INTERPOSE(int, shim_fxstat##suffix, "__fxstat" #suffix, int, int fd,               \
                      struct stat* answer) {                                                   \
    return fstat_any(fd, answer);                                                              \
  }                                                                                            \
  NETBINDER_INTERPOSE(int, shim_fxstatat##suffix, "__fxstatat" #suffix, int, int dir,          \
                      const char* path, struct stat* answer, int flags) {                      \
    return fstatat_any(dir, path, answer, flags);                                              \
  }

NETBINDER_STAT_FAMILY()
NETBINDER_STAT_FAMILY(64)

NETBINDER_INTERPOSE(int, shim_statx, "statx", int dir, const char* path, int flags, unsigned mask,
                    struct statx* answer) {
  struct stat status;
  int result = 0;
  if ((flags & AT_EMPTY_PATH) != 0 && path != nullptr && path[0] == '\0' && is_binder_fd(dir)) {
    result = fstat_any(dir, &status);
  } else if (!stat_ours(path, &status, result)) {
    return real::statx(dir, path, flags, mask, answer);
  }
  if (result == 0) convert(status, *answer);
  return result;
}

}  // namespace netbinder
