// SPDX-License-Identifier: Apache-2.0
#include "shim/linked.h"

#include <cerrno>

#include "shim/closing.h"
#include "shim/connect.h"
#include "shim/descriptor_table.h"
#include "shim/device_path.h"
#include "shim/driver_calls.h"
#include "shim/libbinder_symbols.h"
#include "shim/process_state.h"
#include "shim/real_calls.h"

using namespace netbinder;

int netbinder_linked_open(const char* path, int flags, const char* dialect) {
  const DevicePath device = parse_device_path(path);
  if (device.kind != PathKind::kDevice || !agent_configured()) return real::open(path, flags, 0);
  say_dialect(dialect);
  return open_binder(device, flags);
}

int netbinder_linked_ioctl(int fd, unsigned long request, void* argument) {
  if (!is_binder_fd(fd)) return real::ioctl(fd, request, argument);
  check_fork();
  const DescriptorReference descriptor = find_binder_fd(fd);
  return descriptor ? ioctl_binder(*descriptor, fd, request, argument)
                    : real::ioctl(fd, request, argument);
}

void* netbinder_linked_mmap(void* address, size_t length, int protection, int flags, int fd) {
  if (is_binder_fd(fd)) {
    check_fork();
    const DescriptorReference descriptor = find_binder_fd(fd);
    if (descriptor) {
      return mmap_binder(*descriptor, fd, address, length, protection, flags, 0);
    }
  }
  return real::mmap(address, length, protection, flags, fd, 0);
}

int netbinder_linked_close(int fd) { return close_descriptor(fd); }
