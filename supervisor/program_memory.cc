// SPDX-License-Identifier: Apache-2.0
// shim/user_memory.h for a supervisor: the program's memory is another process's.
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>

#include "shim/user_memory.h"
#include "supervisor/caller.h"

namespace netbinder {
namespace {

constexpr std::uint64_t kPageBytes = 4096;

bool is_user_range(std::uint64_t address, std::size_t size) {
  constexpr std::uint64_t kEnd = std::uint64_t{1} << 63;
  return address < kEnd && size <= kEnd - address;
}

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

template <typename Look>
std::size_t good_prefix(std::uint64_t address, std::size_t size, Look look) {
  std::size_t good = 0;
  while (good < size) {
    const std::uint64_t at = address + good;
    if (!is_user_range(at, 1) || !look(at)) break;
    good += std::min<std::size_t>(size - good, kPageBytes - at % kPageBytes);
  }
  return good;
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
