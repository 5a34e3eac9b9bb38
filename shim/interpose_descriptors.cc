// SPDX-License-Identifier: Apache-2.0
// close, dup and fcntl.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdarg>

#include "shim/closing.h"
#include "shim/descriptor_table.h"
#include "shim/entry_points.h"
#include "shim/interpose.h"
#include "shim/real_calls.h"

namespace netbinder {

NETBINDER_INTERPOSE(int, shim_close, "close", int fd) { return close_descriptor(fd); }

NETBINDER_INTERPOSE(int, shim_close_range, "close_range", unsigned first, unsigned last,
                    int flags) {
  return close_descriptors(first, last, flags);
}

NETBINDER_INTERPOSE(void, shim_closefrom, "closefrom", int first) {
  const int saved_errno = errno;
  const unsigned start = first < 0 ? 0 : static_cast<unsigned>(first);
  if (close_descriptors(start, UINT_MAX, 0) != 0) {
    // This kernel has no close_range.
    const long limit = ::sysconf(_SC_OPEN_MAX);
    for (long fd = start; fd < limit; ++fd) (void)close_descriptor(static_cast<int>(fd));
  }
  errno = saved_errno;
}

int entry::dup(int fd) {
  const int copy = real::dup(fd);
  if (copy >= 0 && is_binder_fd(fd)) note_copy(fd, copy);
  return copy;
}

NETBINDER_INTERPOSE(int, shim_dup, "dup", int fd) { return entry::dup(fd); }

namespace {

// Does to `target` what dup2 does to it, if `fd` can be copied there at all.
bool prepare_target(int fd, int target) {
  if (fd == target || (!is_binder_fd(target) && !is_helper_fd(target))) return true;
  if (real::fcntl(fd, F_GETFD, 0) < 0) return false;
  return vacate_descriptor(target);
}

}  // namespace

NETBINDER_INTERPOSE(int, shim_dup2, "dup2", int fd, int target) {
  if (!prepare_target(fd, target)) return -1;
  const int copy = real::dup2(fd, target);
  if (copy >= 0 && fd != target && is_binder_fd(fd)) note_copy(fd, copy);
  return copy;
}

int entry::dup3(int fd, int target, int flags) {
  if ((flags & ~O_CLOEXEC) == 0 && !prepare_target(fd, target)) return -1;
  const int copy = real::dup3(fd, target, flags);
  if (copy >= 0 && is_binder_fd(fd)) note_copy(fd, copy);
  return copy;
}

NETBINDER_INTERPOSE(int, shim_dup3, "dup3", int fd, int target, int flags) {
  return entry::dup3(fd, target, flags);
}

namespace {

int fcntl_binder(int fd, int command, void* argument) {
  const int result = real::fcntl(fd, command, argument);
  if (result < 0) return result;
  if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) {
    note_copy(fd, result);
  } else if (command == F_SETFL) {
    const DescriptorReference descriptor = find_binder_fd(fd);
    const auto flags = reinterpret_cast<std::intptr_t>(argument);
    if (descriptor) {
      descriptor->nonblocking.store((flags & O_NONBLOCK) != 0, std::memory_order_relaxed);
    }
  }
  return result;
}

}  // namespace

int entry::fcntl(int fd, int command, void* argument) {
  return is_binder_fd(fd) ? fcntl_binder(fd, command, argument) : real::fcntl(fd, command, argument);
}

// The argument, whatever its type, is passed in a register of a pointer's size.
#define NETBINDER_FCNTL(fd, command)               \
  va_list arguments;                               \
  va_start(arguments, command);                    \
  void* const argument = va_arg(arguments, void*); \
  va_end(arguments);                               \
  return entry::fcntl(fd, command, argument)

NETBINDER_INTERPOSE(int, shim_fcntl, "fcntl", int fd, int command, ...) {
  NETBINDER_FCNTL(fd, command);
}

NETBINDER_INTERPOSE(int, shim_fcntl64, "fcntl64", int fd, int command, ...) {
  NETBINDER_FCNTL(fd, command);
}

}  // namespace netbinder
