// SPDX-License-Identifier: Apache-2.0
// read and write, which the driver does not have: EINVAL, and nothing happens.
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

#include "shim/descriptor_table.h"
#include "shim/interpose.h"
#include "shim/real_calls.h"

namespace netbinder {
namespace {

bool is_open_binder(int fd) {
  if (!is_binder_fd(fd)) [[likely]]
    return false;
  const DescriptorReference descriptor = find_binder_fd(fd);
  return descriptor && is_still_binder(fd, *descriptor);
}

ssize_t refuse() {
  errno = EINVAL;
  return -1;
}

}  // namespace

NETBINDER_INTERPOSE(ssize_t, shim_read, "read", int fd, void* into, std::size_t size) {
  return is_open_binder(fd) ? refuse() : real::read(fd, into, size);
}

// The headers turn read into this under _FORTIFY_SOURCE.
NETBINDER_INTERPOSE(ssize_t, shim_read_chk, "__read_chk", int fd, void* into, std::size_t size,
                    std::size_t room) {
  return is_open_binder(fd) ? refuse() : real::read_chk(fd, into, size, room);
}

NETBINDER_INTERPOSE(ssize_t, shim_readv, "readv", int fd, const iovec* parts, int count) {
  return is_open_binder(fd) ? refuse() : real::readv(fd, parts, count);
}

NETBINDER_INTERPOSE(ssize_t, shim_write, "write", int fd, const void* from, std::size_t size) {
  return is_open_binder(fd) ? refuse() : real::write(fd, from, size);
}

NETBINDER_INTERPOSE(ssize_t, shim_writev, "writev", int fd, const iovec* parts, int count) {
  return is_open_binder(fd) ? refuse() : real::writev(fd, parts, count);
}

}  // namespace netbinder
