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
#include "shim/entry_points.h"
#include "shim/found_path.h"
#include "shim/interpose.h"
#include "shim/places.h"
#include "shim/real_calls.h"

namespace netbinder {
namespace {

// Both are the same if off_t has 64 bits.
static_assert(sizeof(struct stat) == sizeof(struct stat64));

bool is_ours(const DevicePath& path) { return path.kind != PathKind::kOther && agent_configured(); }

// 0 or an errno.
int look_for(const DevicePath& path) {
  if (path.kind == PathKind::kBelowDevice) return ENOTDIR;
  return binderfs_has(path) ? 0 : ENOENT;
}

int access_error(const DevicePath& path, int mode) {
  if (const int error = look_for(path); error != 0) return error;
  if ((mode & X_OK) != 0 && path.kind != PathKind::kDirectory) return EACCES;
  const bool writable = path.kind == PathKind::kDevice || path.kind == PathKind::kControl;
  return (mode & W_OK) != 0 && !writable ? EACCES : 0;
}

template <typename Real>
int access_any(int dir, const char* name, int mode, int flags, Real real) {
  const auto last = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? LastLink::kKeep : LastLink::kFollow;
  const auto ours = [mode](const DevicePath& path, int& result) {
    if (!is_ours(path)) return false;
    const int error = access_error(path, mode);
    result = error == 0 ? 0 : -1;
    if (error != 0) errno = error;
    return true;
  };
  return ours_or_real(dir, name, last, -1, ours, real);
}

// The answer for a descriptor of ours; false if it is none.
bool stat_ours(int fd, struct stat* answer) {
  if (is_binder_fd(fd)) {
    const int saved_errno = errno;
    const DescriptorReference descriptor = find_binder_fd(fd);
    const bool ours = descriptor && is_still_binder(fd, *descriptor);
    errno = saved_errno;
    if (!ours) return false;
    DevicePath path{.kind = PathKind::kDevice};
    std::memcpy(path.name, descriptor->device, sizeof path.name);
    describe_device(path, *answer);
    return true;
  }
  const DevicePath place = place_of(fd);
  if (place.kind == PathKind::kOther) return false;
  describe_device(place, *answer);
  return true;
}

template <typename Real>
int fstat_any(int fd, struct stat* answer, Real real) {
  return stat_ours(fd, answer) ? 0 : real();
}

template <typename Real>
int stat_any(int dir, const char* name, struct stat* answer, LastLink last, Real real) {
  const auto ours = [answer](const DevicePath& path, int& result) {
    if (!is_ours(path)) return false;
    const int error = look_for(path);
    result = error == 0 ? 0 : -1;
    if (error != 0) {
      errno = error;
    } else {
      describe_device(path, *answer);
    }
    return true;
  };
  return ours_or_real(dir, name, last, -1, ours, real);
}

template <typename Real>
int fstatat_any(int dir, const char* path, struct stat* answer, int flags, Real real) {
  if ((flags & AT_EMPTY_PATH) != 0 && path != nullptr && path[0] == '\0') {
    return fstat_any(dir, answer, real);
  }
  const auto last = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? LastLink::kKeep : LastLink::kFollow;
  return stat_any(dir, path, answer, last, real);
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
  return access_any(AT_FDCWD, path, mode, 0, [&] { return real::access(path, mode); });
}

int entry::faccessat(int dir, const char* path, int mode, int flags) {
  return access_any(dir, path, mode, flags,
                    [&] { return real::faccessat(dir, path, mode, flags); });
}

NETBINDER_INTERPOSE(int, shim_faccessat, "faccessat", int dir, const char* path, int mode,
                    int flags) {
  return entry::faccessat(dir, path, mode, flags);
}

NETBINDER_INTERPOSE(int, shim_euidaccess, "euidaccess", const char* path, int mode) {
  return access_any(AT_FDCWD, path, mode, 0, [&] { return real::euidaccess(path, mode); });
}

NETBINDER_INTERPOSE(int, shim_eaccess, "eaccess", const char* path, int mode) {
  return access_any(AT_FDCWD, path, mode, 0, [&] { return real::eaccess(path, mode); });
}

// Each calls the function of its own name: another preloaded library (fakeroot) has its own of each,
// which may call any of the others.
#define NETBINDER_STAT_FAMILY(suffix)                                                          \
  namespace real {                                                                             \
  namespace {                                                                                  \
  constinit RealFunction<int, const char*, struct stat*> stat##suffix{"stat" #suffix};         \
  constinit RealFunction<int, const char*, struct stat*> lstat##suffix{"lstat" #suffix};       \
  constinit RealFunction<int, int, struct stat*> fstat##suffix{"fstat" #suffix};               \
  constinit RealFunction<int, int, const char*, struct stat*, int> fstatat##suffix{            \
      "fstatat" #suffix};                                                                      \
  constinit RealFunction<int, int, const char*, struct stat*> xstat##suffix{                   \
      "__xstat" #suffix};                                                                      \
  constinit RealFunction<int, int, const char*, struct stat*> lxstat##suffix{                  \
      "__lxstat" #suffix};                                                                     \
  constinit RealFunction<int, int, int, struct stat*> fxstat##suffix{"__fxstat" #suffix};      \
  constinit RealFunction<int, int, int, const char*, struct stat*, int> fxstatat##suffix{      \
      "__fxstatat" #suffix};                                                                   \
  }                                                                                            \
  }                                                                                            \
  NETBINDER_INTERPOSE(int, shim_stat##suffix, "stat" #suffix, const char* path,                \
                      struct stat* answer) {                                                   \
    return stat_any(AT_FDCWD, path, answer, LastLink::kFollow,                                 \
                    [&] { return real::stat##suffix(path, answer); });                         \
  }                                                                                            \
  NETBINDER_INTERPOSE(int, shim_lstat##suffix, "lstat" #suffix, const char* path,              \
                      struct stat* answer) {                                                   \
    return stat_any(AT_FDCWD, path, answer, LastLink::kKeep,                                   \
                    [&] { return real::lstat##suffix(path, answer); });                        \
  }                                                                                            \
  NETBINDER_INTERPOSE(int, shim_fstat##suffix, "fstat" #suffix, int fd, struct stat* answer) { \
    return fstat_any(fd, answer, [&] { return real::fstat##suffix(fd, answer); });             \
  }                                                                                            \
  NETBINDER_INTERPOSE(int, shim_fstatat##suffix, "fstatat" #suffix, int dir, const char* path, \
                      struct stat* answer, int flags) {                                        \
    return fstatat_any(dir, path, answer, flags,                                               \
                       [&] { return real::fstatat##suffix(dir, path, answer, flags); });       \
  }                                                                                            \
  /* What programs built before glibc 2.33 call; `version` says which struct they have. */     \
  NETBINDER_INTERPOSE(int, shim_xstat##suffix, "__xstat" #suffix, int version,                 \
                      const char* path, struct stat* answer) {                                 \
    return stat_any(AT_FDCWD, path, answer, LastLink::kFollow,                                 \
                    [&] { return real::xstat##suffix(version, path, answer); });               \
  }                                                                                            \
  NETBINDER_INTERPOSE(int, shim_lxstat##suffix, "__lxstat" #suffix, int version,               \
                      const char* path, struct stat* answer) {                                 \
    return stat_any(AT_FDCWD, path, answer, LastLink::kKeep,                                   \
                    [&] { return real::lxstat##suffix(version, path, answer); });              \
  }                                                                                            \
  NETBINDER_INTERPOSE(int, shim_fxstat##suffix, "__fxstat" #suffix, int version, int fd,       \
                      struct stat* answer) {                                                   \
    return fstat_any(fd, answer, [&] { return real::fxstat##suffix(version, fd, answer); });   \
  }                                                                                            \
  NETBINDER_INTERPOSE(int, shim_fxstatat##suffix, "__fxstatat" #suffix, int version, int dir,  \
                      const char* path, struct stat* answer, int flags) {                      \
    return fstatat_any(dir, path, answer, flags, [&] {                                         \
      return real::fxstatat##suffix(version, dir, path, answer, flags);                        \
    });                                                                                        \
  }

// A 32-bit program that asks for no 64-bit offsets has another struct, and gets the kernel's answer.
#if defined(__LP64__)
NETBINDER_STAT_FAMILY()
#endif
NETBINDER_STAT_FAMILY(64)

int entry::statx(int dir, const char* path, int flags, unsigned mask, struct statx* answer) {
  struct stat status;
  bool real_answer = false;
  const int result = fstatat_any(dir, path, &status, flags, [&] {
    const int got = real::statx(dir, path, flags, mask, answer);
    real_answer = got == 0;
    return got;
  });
  if (result == 0 && !real_answer) convert(status, *answer);
  return result;
}

NETBINDER_INTERPOSE(int, shim_statx, "statx", int dir, const char* path, int flags, unsigned mask,
                    struct statx* answer) {
  return entry::statx(dir, path, flags, mask, answer);
}

// Uses the system call, as the C library may lack the function.
int entry::fstat(int fd, struct stat* answer) {
  return fstat_any(fd, answer, [&] { return stat_descriptor(fd, answer); });
}

int entry::fstatat(int dir, const char* path, struct stat* answer, int flags) {
  return fstatat_any(dir, path, answer, flags,
                     [&] { return stat_path(dir, path, answer, flags); });
}

}  // namespace netbinder
