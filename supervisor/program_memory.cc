// SPDX-License-Identifier: Apache-2.0
// shim/user_memory.h for a supervisor: the program's memory is another process's.
#include <sys/uio.h>

#include <cerrno>

#include "shim/user_memory.h"
#include "shim/user_range.h"
#include "supervisor/caller.h"

namespace netbinder {
namespace {

// How many bytes were copied.
std::size_t copy(bool from_program, std::uint64_t address, void* here, std::size_t size) {
  const supervisor::Caller* const caller = supervisor::current_caller();
  if (caller == nullptr) return 0;
  const int saved_errno = errno;
  const iovec local{.iov_base = here, .iov_len = size};
  const iovec remote{.iov_base = reinterpret_cast<void*>(address), .iov_len = size};
  const ssize_t got = from_program
                          ? ::process_vm_readv(caller->tid, &local, 1, &remote, 1, 0)
                          : ::process_vm_writev(caller->tid, &local, 1, &remote, 1, 0);
  errno = saved_errno;
  return got < 0 ? 0 : static_cast<std::size_t>(got);
}

}  // namespace

bool read_user(void* into, std::uint64_t address, std::size_t size) {
  return size == 0 || (is_user_range(address, size) && copy(true, address, into, size) == size);
}

bool write_user(std::uint64_t address, const void* from, std::size_t size) {
  return size == 0 || (is_user_range(address, size) &&
                       copy(false, address, const_cast<void*>(from), size) == size);
}

// The thread whose buffer it is waits for its call, so nobody changes the byte meanwhile.
std::size_t writable_prefix(std::uint64_t address, std::size_t size) {
  return good_prefix(address, size, [](std::uint64_t at) {
    char byte = 0;
    return copy(true, at, &byte, 1) == 1 && copy(false, at, &byte, 1) == 1;
  });
}

std::size_t readable_prefix(std::uint64_t address, std::size_t size) {
  return good_prefix(address, size, [](std::uint64_t at) {
    char byte = 0;
    return copy(true, at, &byte, 1) == 1;
  });
}

}  // namespace netbinder
