// SPDX-License-Identifier: Apache-2.0
// Functions about paths beside open and stat: where they lead, whose they are, and their end.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
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

bool is_ours(const DevicePath& path) { return path.kind != PathKind::kOther && agent_configured(); }

int look_for(const DevicePath& path) {
  if (path.kind == PathKind::kBelowDevice) return ENOTDIR;
  return binderfs_has(path) ? 0 : ENOENT;
}

int fail(int error) {
  errno = error;
  return -1;
}

// ---- links ----

// The path that a descriptor of ours shows; false if it is none.
bool name_descriptor(int fd, char (&into)[kDevicePathBytes]) {
  if (fd < 0) return false;
  if (name_place(fd, into)) return true;
  if (!is_binder_fd(fd)) return false;
  const int saved_errno = errno;
  const DescriptorReference descriptor = find_binder_fd(fd);
  const bool ours = descriptor && is_still_binder(fd, *descriptor);
  errno = saved_errno;
  if (!ours) return false;
  DevicePath path{.kind = PathKind::kDevice, .in_binderfs = descriptor->in_binderfs};
  std::memcpy(path.name, descriptor->device, sizeof path.name);
  name_path(path, into);
  return true;
}

template <typename Real>
ssize_t readlink_any(int dir, const char* name, char* into, std::size_t size, Real real) {
  char text[kDevicePathBytes];
  if (name_descriptor(number_in_proc(name), text)) {
    const std::size_t copied = std::min(size, std::strlen(text));
    std::memcpy(into, text, copied);
    return static_cast<ssize_t>(copied);
  }
  const auto ours = [](const DevicePath& path, ssize_t& result) {
    if (!is_ours(path)) return false;
    const int error = look_for(path);
    result = fail(error == 0 ? EINVAL : error);  // it is no link
    return true;
  };
  return ours_or_real(dir, name, LastLink::kKeep, ssize_t{-1}, ours, real);
}

template <typename Real>
char* realpath_any(const char* name, char* into, Real real) {
  const auto ours = [into](const DevicePath& path, char*& result) {
    if (!is_ours(path)) return false;
    if (const int error = look_for(path); error != 0) {
      errno = error;
      result = nullptr;
      return true;
    }
    char text[kDevicePathBytes];
    name_path(path, text);
    result = into == nullptr ? ::strdup(text) : std::strcpy(into, text);
    return true;
  };
  return ours_or_real(AT_FDCWD, name, LastLink::kFollow, static_cast<char*>(nullptr), ours, real);
}

// ---- modes and owners ----

// They stay as they are; whoever may change them is told that he has.
bool change_ours(const DevicePath& path, int& result) {
  if (!is_ours(path)) return false;
  const int error = look_for(path);
  result = error != 0 ? fail(error) : ::geteuid() == 0 ? 0 : fail(EPERM);
  return true;
}

template <typename Real>
int change_any(int dir, const char* name, int flags, Real real) {
  const auto last = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? LastLink::kKeep : LastLink::kFollow;
  return ours_or_real(dir, name, last, -1, change_ours, real);
}

template <typename Real>
int change_descriptor(int fd, Real real) {
  char text[kDevicePathBytes];
  if (!name_descriptor(fd, text)) return real();
  return ::geteuid() == 0 ? 0 : fail(EPERM);
}

// ---- removing ----

bool unlink_ours(const DevicePath& path, int& result) {
  if (!is_ours(path)) return false;
  const int error = look_for(path);
  if (error != 0) {
    result = fail(error);
  } else if (path.kind == PathKind::kDirectory) {
    result = fail(EISDIR);
  } else if (path.kind == PathKind::kDevice && path.in_binderfs) {
    result = remove_binderfs_device(path);
  } else {
    result = fail(path.kind == PathKind::kDevice && ::geteuid() != 0 ? EACCES : EPERM);
  }
  return true;
}

}  // namespace

NETBINDER_INTERPOSE(ssize_t, shim_readlink, "readlink", const char* path, char* into,
                    std::size_t size) {
  return readlink_any(AT_FDCWD, path, into, size, [&] { return real::readlink(path, into, size); });
}

ssize_t entry::readlinkat(int dir, const char* path, char* into, std::size_t size) {
  return readlink_any(dir, path, into, size,
                      [&] { return real::readlinkat(dir, path, into, size); });
}

NETBINDER_INTERPOSE(ssize_t, shim_readlinkat, "readlinkat", int dir, const char* path, char* into,
                    std::size_t size) {
  return entry::readlinkat(dir, path, into, size);
}

NETBINDER_INTERPOSE(char*, shim_realpath, "realpath", const char* path, char* into) {
  return realpath_any(path, into, [&] { return real::realpath(path, into); });
}

// The headers turn realpath into this under _FORTIFY_SOURCE.
NETBINDER_INTERPOSE(char*, shim_realpath_chk, "__realpath_chk", const char* path, char* into,
                    std::size_t room) {
  return realpath_any(path, into, [&] { return real::realpath_chk(path, into, room); });
}

NETBINDER_INTERPOSE(char*, shim_canonicalize, "canonicalize_file_name", const char* path) {
  return realpath_any(path, nullptr, [&] { return real::canonicalize_file_name(path); });
}

NETBINDER_INTERPOSE(int, shim_chmod, "chmod", const char* path, mode_t mode) {
  return change_any(AT_FDCWD, path, 0, [&] { return real::chmod(path, mode); });
}

NETBINDER_INTERPOSE(int, shim_fchmod, "fchmod", int fd, mode_t mode) {
  return change_descriptor(fd, [&] { return real::fchmod(fd, mode); });
}

NETBINDER_INTERPOSE(int, shim_fchmodat, "fchmodat", int dir, const char* path, mode_t mode,
                    int flags) {
  return change_any(dir, path, flags, [&] { return real::fchmodat(dir, path, mode, flags); });
}

NETBINDER_INTERPOSE(int, shim_chown, "chown", const char* path, uid_t user, gid_t group) {
  return change_any(AT_FDCWD, path, 0, [&] { return real::chown(path, user, group); });
}

NETBINDER_INTERPOSE(int, shim_lchown, "lchown", const char* path, uid_t user, gid_t group) {
  return change_any(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW,
                    [&] { return real::lchown(path, user, group); });
}

NETBINDER_INTERPOSE(int, shim_fchown, "fchown", int fd, uid_t user, gid_t group) {
  return change_descriptor(fd, [&] { return real::fchown(fd, user, group); });
}

NETBINDER_INTERPOSE(int, shim_fchownat, "fchownat", int dir, const char* path, uid_t user,
                    gid_t group, int flags) {
  return change_any(dir, path, flags,
                    [&] { return real::fchownat(dir, path, user, group, flags); });
}

NETBINDER_INTERPOSE(int, shim_unlink, "unlink", const char* path) {
  return ours_or_real(AT_FDCWD, path, LastLink::kKeep, -1, unlink_ours,
                      [&] { return real::unlink(path); });
}

NETBINDER_INTERPOSE(int, shim_unlinkat, "unlinkat", int dir, const char* path, int flags) {
  if ((flags & AT_REMOVEDIR) != 0) return real::unlinkat(dir, path, flags);
  return ours_or_real(dir, path, LastLink::kKeep, -1, unlink_ours,
                      [&] { return real::unlinkat(dir, path, flags); });
}

NETBINDER_INTERPOSE(int, shim_remove, "remove", const char* path) {
  return ours_or_real(AT_FDCWD, path, LastLink::kKeep, -1, unlink_ours,
                      [&] { return real::remove(path); });
}

}  // namespace netbinder
