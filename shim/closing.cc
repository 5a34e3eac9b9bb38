// SPDX-License-Identifier: Apache-2.0
#include "shim/closing.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "shim/descriptor.h"
#include "shim/descriptor_table.h"
#include "shim/known_fds.h"
#include "shim/mailbox_client.h"
#include "shim/process_state.h"
#include "shim/real_calls.h"

namespace netbinder {
namespace {

// C libraries before 2.34 have no function for it.
int close_range_now(unsigned first, unsigned last, int flags) {
  return static_cast<int>(real::syscall(SYS_close_range, first, last, flags));
}

// Tells the agent at once, so that a new open finds the old process gone. Otherwise the agent
// learns it from the hang-up, a little later. Not while other processes may have copies: the last
// decides.
void say_last_close(Descriptor& descriptor, int fd) {
  if (!descriptor.is_opener() || descriptor.forked ||
      descriptor.dead.load(std::memory_order_relaxed)) {
    return;
  }
  const int flags = real::fcntl(fd, F_GETFD, 0);
  if (flags < 0 || (flags & FD_CLOEXEC) == 0) return;
  MailboxLease lease(descriptor, fd);
  if (!lease) return;
  lease.mailbox().request = {.operation = kOpClose};
  lease.post_last();
}

// Makes waiting readers return, as any close does (the driver's flush operation).
void flush(Descriptor& descriptor, int fd) {
  if (!descriptor.is_opener()) return;
  MailboxLease lease(descriptor, fd);
  if (!lease) return;
  lease.mailbox().request = {.operation = kOpFlush};
  (void)lease.exchange();
}

// The table has forgotten `fd`, which is still open.
void end_one(RemovedFd& removed, int fd) {
  Descriptor& descriptor = *removed.descriptor;
  if (!is_still_binder(fd, descriptor)) {
    // It was closed without the shim, and the number belongs to another file now.
    if (removed.last) descriptor.closed.store(true, std::memory_order_release);
    return;
  }
  if (!removed.last || in_calls(descriptor)) flush(descriptor, fd);
  if (!removed.last) return;
  descriptor.closed.store(true, std::memory_order_release);
  say_last_close(descriptor, fd);
  end_calls(descriptor);
}

}  // namespace

int close_descriptor(int fd) {
  if (is_binder_fd(fd)) {
    check_fork();
    if (!in_vfork_child()) {
      const int saved_errno = errno;
      RemovedFd removed = remove_binder_fd(fd);
      if (removed.descriptor) end_one(removed, fd);
      errno = saved_errno;
      return real::close(fd);
    }
  } else if (is_helper_fd(fd)) {
    check_fork();
    if (!in_vfork_child()) {
      errno = EBADF;  // the program has no such descriptor
      return -1;
    }
  }
  return real::close(fd);
}

int close_descriptors(unsigned first, unsigned last, int flags) {
  const bool closes = (flags & static_cast<int>(CLOSE_RANGE_CLOEXEC)) == 0;
  if (!closes || first > last || KnownFds::next(first, last) < 0) {
    return close_range_now(first, last, flags);
  }
  check_fork();
  if (in_vfork_child()) return close_range_now(first, last, flags);
  const int saved_errno = errno;
  for (int fd = KnownFds::next(first, last); fd >= 0;) {
    RemovedFd removed = remove_binder_fd(fd);
    if (removed.descriptor) end_one(removed, fd);
    if (static_cast<unsigned>(fd) == last) break;
    fd = KnownFds::next(static_cast<unsigned>(fd) + 1, last);
  }
  errno = saved_errno;
  // Only our helpers are still known in this range.
  unsigned start = first;
  for (int fd = KnownFds::next(first, last); fd >= 0; fd = KnownFds::next(start, last)) {
    const auto helper = static_cast<unsigned>(fd);
    if (helper > start && close_range_now(start, helper - 1, flags) != 0) return -1;
    if (helper == last) return 0;
    start = helper + 1;
  }
  return close_range_now(start, last, flags);
}

bool vacate_descriptor(int fd) {
  const bool binder = is_binder_fd(fd);
  if (!binder && !is_helper_fd(fd)) return true;
  check_fork();
  if (in_vfork_child()) return true;
  const int saved_errno = errno;
  bool vacated = true;
  if (binder) {
    RemovedFd removed = remove_binder_fd(fd);
    if (removed.descriptor) end_one(removed, fd);
  } else {
    vacated = move_helper_away(fd);
  }
  errno = vacated ? saved_errno : EBUSY;
  return vacated;
}

void close_received(std::span<const int> fds) {
  const int saved_errno = errno;
  for (const int fd : fds) (void)close_descriptor(fd);
  errno = saved_errno;
}

void note_copy(int fd, int copy) {
  const DescriptorReference descriptor = find_binder_fd(fd);
  if (!descriptor) return;
  check_fork();
  if (in_vfork_child()) return;
  const int saved_errno = errno;
  if (is_still_binder(copy, *descriptor)) (void)add_copy(copy, *descriptor);
  errno = saved_errno;
}

}  // namespace netbinder
