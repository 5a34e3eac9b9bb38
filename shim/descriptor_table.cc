// SPDX-License-Identifier: Apache-2.0
#include "shim/descriptor_table.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "shim/known_fds.h"
#include "shim/process_state.h"
#include "shim/real_calls.h"

namespace netbinder {
namespace {

constexpr std::uintptr_t kHelperTag = 1;  // in the low bit of a Descriptor's address
constexpr int kHelpersStart = 512;

Descriptor* descriptor_of(std::uintptr_t entry) {
  return reinterpret_cast<Descriptor*>(entry & ~kHelperTag);
}

std::uintptr_t entry_of(const Descriptor& descriptor, std::uintptr_t tag) {
  return reinterpret_cast<std::uintptr_t>(&descriptor) | tag;
}

// With the state lock held. The caller drops the reference that the open descriptors held, after it
// has released the lock.
RemovedFd remove_locked(int fd) {
  const std::uintptr_t found = KnownFds::find(fd);
  if (found == 0 || (found & kHelperTag) != 0) return {};
  KnownFds::forget(fd);
  Descriptor* const descriptor = descriptor_of(found);
  RemovedFd removed;
  removed.last = --descriptor->open_fds == 0;
  removed.descriptor = removed.last ? DescriptorReference(descriptor) : try_reference(descriptor);
  return removed;
}

}  // namespace

bool is_binder_fd(int fd) {
  const std::uintptr_t found = KnownFds::find(fd);
  return found != 0 && (found & kHelperTag) == 0;
}

DescriptorReference find_binder_fd(int fd) {
  for (;;) {
    const std::uintptr_t found = KnownFds::find(fd);
    if (found == 0 || (found & kHelperTag) != 0) return {};
    DescriptorReference reference = try_reference(descriptor_of(found));
    // The Descriptor may have been given back and reused before the reference was taken.
    if (KnownFds::find(fd) == found) return reference;
  }
}

bool is_fd_of(int fd, const Descriptor& descriptor) {
  return KnownFds::find(fd) == entry_of(descriptor, 0);
}

int any_fd_of(const Descriptor& descriptor) {
  constexpr unsigned kLast = KnownFds::kEntries - 1;
  for (int fd = KnownFds::next(0, kLast); fd >= 0;
       fd = KnownFds::next(static_cast<unsigned>(fd) + 1, kLast)) {
    if (is_fd_of(fd, descriptor)) return fd;
  }
  return -1;
}

bool is_still_binder(int fd, const Descriptor& descriptor) {
  struct stat status;
  return stat_descriptor(fd, &status) == 0 && status.st_ino == descriptor.socket_inode &&
         status.st_dev == descriptor.socket_device;
}

namespace {

bool add_locked(int fd, Descriptor& descriptor, RemovedFd& stale) {
  KnownFds::Entry* const entry = KnownFds::make(fd);
  if (entry == nullptr) return false;
  stale = remove_locked(fd);
  ++descriptor.open_fds;
  entry->store(entry_of(descriptor, 0), std::memory_order_release);
  return true;
}

}  // namespace

bool add_binder_fd(int fd, Descriptor& descriptor) {
  RemovedFd stale;  // dropped after the lock
  const StateLock lock;
  return add_locked(fd, descriptor, stale);
}

bool add_copy(int fd, Descriptor& descriptor) {
  RemovedFd stale;
  const StateLock lock;
  return descriptor.open_fds > 0 && add_locked(fd, descriptor, stale);
}

RemovedFd remove_binder_fd(int fd) {
  const StateLock lock;
  return remove_locked(fd);
}

bool is_helper_fd(int fd) { return (KnownFds::find(fd) & kHelperTag) != 0; }

bool add_helper(Descriptor& descriptor, HelloDescriptor which, int fd) {
  const StateLock lock;
  KnownFds::Entry* const entry = KnownFds::make(fd);
  if (entry == nullptr) {
    real::syscall(SYS_close, fd);
    return false;
  }
  entry->store(entry_of(descriptor, kHelperTag), std::memory_order_release);
  descriptor.helpers[which].store(fd, std::memory_order_relaxed);
  return true;
}

void close_helper(Descriptor& descriptor, HelloDescriptor which) {
  const StateLock lock;
  const int fd = descriptor.helpers[which].exchange(-1, std::memory_order_relaxed);
  if (fd < 0) return;
  KnownFds::forget(fd);
  real::syscall(SYS_close, fd);
}

bool move_helper_away(int fd) {
  const StateLock lock;
  const std::uintptr_t found = KnownFds::find(fd);
  if ((found & kHelperTag) == 0) return true;
  const int moved = duplicate_high(fd);
  if (moved < 0) return false;
  KnownFds::Entry* const entry = KnownFds::make(moved);
  if (entry == nullptr) {
    real::syscall(SYS_close, moved);
    return false;
  }
  for (std::atomic<int>& helper : descriptor_of(found)->helpers) {
    int expected = fd;
    if (helper.compare_exchange_strong(expected, moved, std::memory_order_release)) break;
  }
  entry->store(found, std::memory_order_release);
  KnownFds::forget(fd);
  return true;
}

int duplicate_high(int fd) {
  rlimit limit{};
  int start = kHelpersStart;
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 2 * kHelpersStart) {
    start = static_cast<int>(limit.rlim_cur / 2);
  }
  return static_cast<int>(real::syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, start));
}

}  // namespace netbinder
