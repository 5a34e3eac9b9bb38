// SPDX-License-Identifier: Apache-2.0
#include "shim/places.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "shim/process_state.h"
#include "shim/real_calls.h"

namespace netbinder {
namespace {

struct Place {
  int fd = -1;
  ino_t inode = 0;
  DevicePath path;
};

constexpr std::size_t kMostPlaces = 64;

// Guarded by the state lock.
constinit Place places[kMostPlaces] = {};
constinit std::atomic<std::uint32_t> count = 0;  // of entries in use, out of date or not

bool still_there(const Place& place) {
  struct stat status;
  return place.fd >= 0 && stat_descriptor(place.fd, &status) == 0 && status.st_ino == place.inode;
}

}  // namespace

int open_place(const DevicePath& path, int flags) {
  const int file = ::memfd_create("binder-path", MFD_CLOEXEC);
  if (file < 0) return -1;
  char link[64];
  std::snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const int fd = real::open(link, O_PATH | (flags & O_CLOEXEC), 0);
  const int error = errno;
  real::syscall(SYS_close, file);
  struct stat status;
  if (fd < 0 || stat_descriptor(fd, &status) != 0) {
    errno = error;
    return -1;
  }
  {
    const StateLock lock;
    for (Place& place : places) {
      if (place.fd != fd && still_there(place)) continue;
      if (place.fd < 0) count.fetch_add(1, std::memory_order_relaxed);
      place = {.fd = fd, .inode = status.st_ino, .path = path};
      return fd;
    }
  }
  real::syscall(SYS_close, fd);
  errno = EMFILE;
  return -1;
}

int number_in_proc(const char* path) {
  for (const char* folder : {"/proc/self/fd/", "/dev/fd/", "/proc/thread-self/fd/"}) {
    const std::size_t size = std::strlen(folder);
    if (path == nullptr || std::strncmp(path, folder, size) != 0) continue;
    char* end = nullptr;
    const long number = std::strtol(path + size, &end, 10);
    return end != path + size && *end == '\0' && number <= INT_MAX ? static_cast<int>(number) : -1;
  }
  return -1;
}

bool any_places() { return count.load(std::memory_order_relaxed) > 0; }

DevicePath place_of(int fd) {
  if (count.load(std::memory_order_relaxed) == 0 || fd < 0) [[likely]]
    return {};
  const int saved_errno = errno;
  DevicePath path;
  {
    const StateLock lock;
    for (const Place& place : places) {
      if (place.fd == fd && still_there(place)) path = place.path;
    }
  }
  errno = saved_errno;
  return path;
}

bool name_place(int fd, char (&into)[kDevicePathBytes]) {
  const DevicePath path = place_of(fd);
  if (path.kind == PathKind::kOther) return false;
  name_path(path, into);
  return true;
}

}  // namespace netbinder
