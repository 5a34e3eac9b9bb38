// SPDX-License-Identifier: Apache-2.0
//
// Included ahead of a program's sources: its calls on devices are made by instructions of its own, as by
// Rust's rustix and by Go.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline long raw_call(long number, long a, long b, long c, long d, long e, long f) {
#if defined(__x86_64__)
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
#else
  long result = syscall(number, a, b, c, d, e, f);
  if (result < 0) result = -errno;
#endif
  if (result < 0 && result > -4096) {
    errno = (int)-result;
    return -1;
  }
  return result;
}

static inline int raw_open(const char* path, int flags, ...) {
  return (int)raw_call(SYS_openat, AT_FDCWD, (long)path, flags, 0600, 0, 0);
}
static inline int raw_ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void* argument = va_arg(arguments, void*);
  va_end(arguments);
  return (int)raw_call(SYS_ioctl, fd, (long)request, (long)argument, 0, 0, 0);
}
static inline void* raw_mmap(void* address, size_t length, int protection, int flags, int fd,
                             off_t offset) {
  return (void*)raw_call(SYS_mmap, (long)address, (long)length, protection, flags, fd, offset);
}

#define open raw_open
#define ioctl raw_ioctl
#define mmap raw_mmap
