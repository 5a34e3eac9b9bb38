// SPDX-License-Identifier: Apache-2.0
//
// The shim's replacements of the C library's functions, for calls that came another way: by
// syscall(2), or by a system call instruction of the program (shim/trap.h). Each acts as the
// function of that name. Any thread.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>

struct statx;

namespace netbinder::entry {

int open(int dir, const char* path, int flags, mode_t mode);
int ioctl(int fd, unsigned long request, void* argument);
void* mmap(void* address, std::size_t length, int protection, int flags, int fd, off_t offset);
int munmap(void* address, std::size_t length);
int dup(int fd);
int dup3(int fd, int target, int flags);
int fcntl(int fd, int command, void* argument);
int fstat(int fd, struct stat* answer);
int fstatat(int dir, const char* path, struct stat* answer, int flags);
int statx(int dir, const char* path, int flags, unsigned mask, struct statx* answer);
int faccessat(int dir, const char* path, int mode, int flags);
ssize_t readlinkat(int dir, const char* path, char* into, std::size_t size);

}  // namespace netbinder::entry
