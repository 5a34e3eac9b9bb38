// SPDX-License-Identifier: Apache-2.0
// ioctl and mmap.
#include <asm/ioctl.h>
#include <linux/android/binder.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstdarg>

#include "shim/binderfs.h"
#include "shim/connect.h"
#include "shim/descriptor_table.h"
#include "shim/driver_calls.h"
#include "shim/entry_points.h"
#include "shim/interpose.h"
#include "shim/process_state.h"
#include "shim/real_calls.h"

namespace netbinder {

int entry::ioctl(int fd, unsigned long request, void* argument) {
  const bool binder_request = _IOC_TYPE(request) == 'b';
  if (!is_binder_fd(fd)) [[likely]] {
    if (!binder_request) return real::ioctl(fd, request, argument);
    int result = 0;
    if (control_binderfs(fd, request, argument, result)) return result;
    const DescriptorReference attached = attach_binder(fd);
    return attached ? ioctl_binder(*attached, fd, request, argument)
                    : real::ioctl(fd, request, argument);
  }
  check_fork();
  const DescriptorReference descriptor = find_binder_fd(fd);
  // Calls make one kind of request; on any other it is worth asking whether the number is another
  // file's now. (Nobody makes calls on a file that he has not asked for its version.)
  const bool ours =
      descriptor && (request == BINDER_WRITE_READ || is_still_binder(fd, *descriptor));
  return ours ? ioctl_binder(*descriptor, fd, request, argument)
              : real::ioctl(fd, request, argument);
}

NETBINDER_INTERPOSE(int, shim_ioctl, "ioctl", int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  return entry::ioctl(fd, request, argument);
}

void* entry::mmap(void* address, std::size_t length, int protection, int flags, int fd,
                  off_t offset) {
  if ((flags & MAP_ANONYMOUS) == 0 && is_binder_fd(fd)) {
    check_fork();
    const DescriptorReference descriptor = find_binder_fd(fd);
    if (descriptor && is_still_binder(fd, *descriptor)) {
      return mmap_binder(*descriptor, fd, address, length, protection, flags, offset);
    }
  }
  void* const memory = real::mmap(address, length, protection, flags, fd, offset);
  if (memory == MAP_FAILED && errno == ENODEV) {
    // A socket's own answer; but if it is a binder descriptor of another program, mmap gives
    // EINVAL.
    const DescriptorReference attached = attach_binder(fd);
    if (attached) return mmap_binder(*attached, fd, address, length, protection, flags, offset);
  }
  return memory;
}

// `offset` has the type of off_t in a program that does not ask for 64 bits.
NETBINDER_INTERPOSE(void*, shim_mmap, "mmap", void* address, std::size_t length, int protection,
                    int flags, int fd, long offset) {
  return entry::mmap(address, length, protection, flags, fd, offset);
}

NETBINDER_INTERPOSE(void*, shim_mmap64, "mmap64", void* address, std::size_t length, int protection,
                    int flags, int fd, off_t offset) {
  return entry::mmap(address, length, protection, flags, fd, offset);
}

int entry::munmap(void* address, std::size_t length) {
  const int result = real::munmap(address, length);
  if (result == 0) note_unmapping(address, length);
  return result;
}

NETBINDER_INTERPOSE(int, shim_munmap, "munmap", void* address, std::size_t length) {
  return entry::munmap(address, length);
}

}  // namespace netbinder
