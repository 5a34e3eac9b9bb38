// SPDX-License-Identifier: Apache-2.0
// open and its relatives.
#include <fcntl.h>
#include <pthread.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "shim/binderfs.h"
#include "shim/closing.h"
#include "shim/connect.h"
#include "shim/device_path.h"
#include "shim/entry_points.h"
#include "shim/found_path.h"
#include "shim/interpose.h"
#include "shim/places.h"
#include "shim/real_calls.h"
#include "shim/start.h"
#include "shim/trap.h"

namespace netbinder {
namespace {

[[gnu::constructor]] void start() {
  start_shim();
  ::pthread_atfork(nullptr, nullptr, trap_this_thread);
}

// False: the path is not ours. Otherwise `result` is what open returns.
bool open_ours(const DevicePath& path, int flags, int& result) {
  result = -1;
  // The path exists, so O_EXCL makes open fail; and a device is not a directory.
  if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) {
    errno = EEXIST;
    return true;
  }
  if (path.kind == PathKind::kDevice) {
    if ((flags & O_DIRECTORY) != 0) {
      errno = ENOTDIR;
    } else if ((flags & O_PATH) != 0) {
      if (!agent_configured()) return false;
      result = open_place(path, flags);
    } else {
      result = open_binder(path, flags);
      if (result >= 0) trap_if_needed();
      // In a binderfs there is then no such file; the fixed devices exist even without a driver
      // behind them.
      if (result < 0 && errno == ENXIO && path.in_binderfs) errno = ENOENT;
    }
    return true;
  }
  if (!agent_configured()) return false;
  switch (path.kind) {
    case PathKind::kAbsent:
      errno = ENOENT;
      break;
    case PathKind::kBelowDevice:
      errno = ENOTDIR;
      break;
    case PathKind::kDirectory:
      if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT) != 0) {
        errno = EISDIR;
      } else {
        result = open_place(path, flags);
      }
      break;
    default:
      result = open_binderfs_file(path, flags);
      break;
  }
  return true;
}

template <typename Real>
int open_any(int dir, const char* name, int flags, Real real) {
  const LastLink last = (flags & O_NOFOLLOW) != 0 ? LastLink::kKeep : LastLink::kFollow;
  const auto ours = [flags](const DevicePath& path, int& result) {
    return open_ours(path, flags, result);
  };
  // The kernel knows another file by that number.
  if (any_places()) [[unlikely]] {
    const DevicePath place = place_of(number_in_proc(name));
    int result = -1;
    if (place.kind != PathKind::kOther && ours(place, result)) return result;
  }
  // The kernel would make a file where a link leads, so it is not asked to before that is known.
  if ((flags & O_CREAT) != 0 && name != nullptr) {
    const int saved_errno = errno;
    int result = -1;
    const bool there =
        !must_be_walked_first() && real::faccessat(dir, name, F_OK, 0) == 0;
    const DevicePath found = there ? DevicePath{} : find_behind_links(dir, name, last);
    errno = saved_errno;
    if (found.kind != PathKind::kOther && ours(found, result)) return result;
  }
  return ours_or_real(dir, name, last, -1, ours, real);
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

int entry::open(int dir, const char* path, int flags, mode_t mode) {
  return open_any(dir, path, flags, [&] { return real::openat(dir, path, flags, mode); });
}

// The names under which programs find open: by file offsets of 64 bits or not, and those that the
// headers turn open into under _FORTIFY_SOURCE when it has no mode.
#define NETBINDER_OPEN_FAMILY(suffix, extra)                                                      \
  NETBINDER_INTERPOSE(int, shim_open##suffix, "open" #suffix, const char* path, int flags, ...) { \
    NETBINDER_MODE(flags)                                                                         \
    return open_any(AT_FDCWD, path, flags,                                                        \
                    [&] { return real::open(path, flags | (extra), mode); });                     \
  }                                                                                               \
  NETBINDER_INTERPOSE(int, shim_openat##suffix, "openat" #suffix, int dir, const char* path,      \
                      int flags, ...) {                                                           \
    NETBINDER_MODE(flags)                                                                         \
    return open_any(dir, path, flags,                                                             \
                    [&] { return real::openat(dir, path, flags | (extra), mode); });              \
  }                                                                                               \
  NETBINDER_INTERPOSE(int, shim_open##suffix##_2, "__open" #suffix "_2", const char* path,        \
                      int flags) {                                                                \
    return open_any(AT_FDCWD, path, flags,                                                        \
                    [&] { return real::open(path, flags | (extra), 0); });                        \
  }                                                                                               \
  NETBINDER_INTERPOSE(int, shim_openat##suffix##_2, "__openat" #suffix "_2", int dir,             \
                      const char* path, int flags) {                                              \
    return open_any(dir, path, flags,                                                             \
                    [&] { return real::openat(dir, path, flags | (extra), 0); });                 \
  }

NETBINDER_OPEN_FAMILY(, 0)
NETBINDER_OPEN_FAMILY(64, O_LARGEFILE)

namespace {

int flags_of_mode(const char* mode) {
  const bool both = std::strchr(mode, '+') != nullptr;
  int flags = both ? O_RDWR : mode[0] == 'r' ? O_RDONLY : O_WRONLY;
  if (mode[0] == 'a') flags |= O_APPEND;
  if (mode[0] == 'w') flags |= O_TRUNC;
  if (mode[0] != 'r') flags |= O_CREAT;
  if (std::strchr(mode, 'e') != nullptr) flags |= O_CLOEXEC;
  if (std::strchr(mode, 'x') != nullptr) flags |= O_EXCL;
  return flags;
}

template <typename Real>
std::FILE* fopen_any(const char* path, const char* mode, Real real) {
  std::FILE* stream = nullptr;
  // The stream that the C library has made, if it has made one, is not made again.
  const int fd = open_any(AT_FDCWD, path, flags_of_mode(mode), [&] {
    stream = real();
    return stream == nullptr ? -1 : ::fileno(stream);
  });
  if (stream != nullptr || fd < 0) return stream;
  stream = ::fdopen(fd, mode);
  if (stream == nullptr) (void)close_descriptor(fd);
  return stream;
}

}  // namespace

NETBINDER_INTERPOSE(std::FILE*, shim_fopen, "fopen", const char* path, const char* mode) {
  return fopen_any(path, mode, [&] { return real::fopen(path, mode); });
}

NETBINDER_INTERPOSE(std::FILE*, shim_fopen64, "fopen64", const char* path, const char* mode) {
  return fopen_any(path, mode, [&] { return real::fopen64(path, mode); });
}

}  // namespace netbinder
