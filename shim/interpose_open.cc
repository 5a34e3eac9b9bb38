// SPDX-License-Identifier: Apache-2.0
// open and its relatives.
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "shim/binderfs.h"
#include "shim/connect.h"
#include "shim/device_path.h"
#include "shim/interpose.h"
#include "shim/real_calls.h"
#include "shim/start.h"

namespace netbinder {
namespace {

[[gnu::constructor]] void start() { start_shim(); }

// False: the path is not ours. Otherwise `result` is what open returns.
bool open_ours(const char* name, int flags, int& result) {
  const DevicePath path = parse_device_path(name);
  if (path.kind == PathKind::kOther) return false;
  result = -1;
  // The path exists, so O_EXCL makes open fail; and a device is not a directory.
  if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) {
    errno = EEXIST;
    return true;
  }
  if (path.kind == PathKind::kDevice) {
    if ((flags & O_DIRECTORY) != 0) {
      errno = ENOTDIR;
      return true;
    }
    result = open_binder(path, flags);
    // In a binderfs there is then no such file; the fixed devices exist even without a driver
    // behind them.
    if (result < 0 && errno == ENXIO && path.in_binderfs) errno = ENOENT;
    return true;
  }
  if (!agent_configured()) return false;
  if (path.kind == PathKind::kAbsent || path.kind == PathKind::kDirectory) {
    errno = path.kind == PathKind::kAbsent ? ENOENT : EACCES;
  } else {
    result = open_binderfs_file(path, flags);
  }
  return true;
}

bool takes_mode(int flags) { return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE; }

}  // namespace

#define NETBINDER_MODE(last)          \
  mode_t mode = 0;                    \
  if (takes_mode(flags)) {            \
    va_list arguments;                \
    va_start(arguments, last);        \
    mode = va_arg(arguments, mode_t); \
    va_end(arguments);                \
  }

NETBINDER_INTERPOSE(int, shim_open, "open", const char* path, int flags, ...) {
  NETBINDER_MODE(flags)
  int result = 0;
  return open_ours(path, flags, result) ? result : real::open(path, flags, mode);
}

NETBINDER_INTERPOSE(int, shim_open64, "open64", const char* path, int flags, ...) {
  NETBINDER_MODE(flags)
  int result = 0;
  return open_ours(path, flags, result) ? result : real::open(path, flags | O_LARGEFILE, mode);
}

NETBINDER_INTERPOSE(int, shim_openat, "openat", int dir, const char* path, int flags, ...) {
  NETBINDER_MODE(flags)
  int result = 0;
  return open_ours(path, flags, result) ? result : real::openat(dir, path, flags, mode);
}

NETBINDER_INTERPOSE(int, shim_openat64, "openat64", int dir, const char* path, int flags, ...) {
  NETBINDER_MODE(flags)
  int result = 0;
  return open_ours(path, flags, result) ? result
                                        : real::openat(dir, path, flags | O_LARGEFILE, mode);
}

// The headers turn open into this under _FORTIFY_SOURCE, when it has no mode.
NETBINDER_INTERPOSE(int, shim_open_2, "__open_2", const char* path, int flags) {
  int result = 0;
  return open_ours(path, flags, result) ? result : real::open(path, flags, 0);
}

NETBINDER_INTERPOSE(int, shim_open64_2, "__open64_2", const char* path, int flags) {
  int result = 0;
  return open_ours(path, flags, result) ? result : real::open(path, flags | O_LARGEFILE, 0);
}

NETBINDER_INTERPOSE(int, shim_openat_2, "__openat_2", int dir, const char* path, int flags) {
  int result = 0;
  return open_ours(path, flags, result) ? result : real::openat(dir, path, flags, 0);
}

NETBINDER_INTERPOSE(int, shim_openat64_2, "__openat64_2", int dir, const char* path, int flags) {
  int result = 0;
  return open_ours(path, flags, result) ? result : real::openat(dir, path, flags | O_LARGEFILE, 0);
}

namespace {

// Files of a binderfs, but not devices, can be read through streams as well.
bool fopen_ours(const char* path, const char* mode, std::FILE*& result) {
  const PathKind kind = parse_device_path(path).kind;
  if (kind == PathKind::kOther || kind == PathKind::kDevice || kind == PathKind::kDirectory) {
    return false;
  }
  int fd = -1;
  const int flags = std::strpbrk(mode, "wa+") != nullptr ? O_RDWR : O_RDONLY;
  const int close_on_exec = std::strchr(mode, 'e') != nullptr ? O_CLOEXEC : 0;
  if (!open_ours(path, flags | close_on_exec, fd)) return false;
  result = fd < 0 ? nullptr : ::fdopen(fd, mode);
  return true;
}

}  // namespace

NETBINDER_INTERPOSE(std::FILE*, shim_fopen, "fopen", const char* path, const char* mode) {
  std::FILE* result = nullptr;
  return fopen_ours(path, mode, result) ? result : real::fopen(path, mode);
}

NETBINDER_INTERPOSE(std::FILE*, shim_fopen64, "fopen64", const char* path, const char* mode) {
  std::FILE* result = nullptr;
  return fopen_ours(path, mode, result) ? result : real::fopen64(path, mode);
}

}  // namespace netbinder
