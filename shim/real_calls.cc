// SPDX-License-Identifier: Apache-2.0
#include "shim/real_calls.h"

#include <dlfcn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "shim/old_symbols.h"

namespace netbinder {

void* find_function(const char* name) { return ::dlsym(RTLD_DEFAULT, name); }

void* find_next_function(std::atomic<void*>& cache, const char* name) {
  void* found = ::dlsym(RTLD_NEXT, name);
  if (found == nullptr) {
    // If the shim is not preloaded but linked to by a library, it comes behind the C library.
    void* const c_library = ::dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    if (c_library != nullptr) found = ::dlsym(c_library, name);
  }
  if (found == nullptr) {
    // No result would make sense to the program; and no C library lacks one of these functions. By
    // system calls, because write is one of them.
    static constexpr char kMessage[] = "netbinder: the C library has no function ";
    (void)real::syscall(SYS_write, STDERR_FILENO, kMessage, sizeof kMessage - 1);
    (void)real::syscall(SYS_write, STDERR_FILENO, name, std::strlen(name));
    (void)real::syscall(SYS_write, STDERR_FILENO, "\n", 1);
    std::abort();
  }
  cache.store(found, std::memory_order_relaxed);
  return found;
}

namespace real {

constinit std::atomic<void*> syscall_cache = nullptr;
constinit RealFunction<int, pthread_t*, const pthread_attr_t*, void* (*)(void*), void*>
    pthread_create{"pthread_create"};
constinit RealFunction<int, int, const sigset_t*, sigset_t*> pthread_sigmask{"pthread_sigmask"};
constinit RealFunction<int, int, const sigset_t*, sigset_t*> sigprocmask{"sigprocmask"};
constinit RealVariadicFunction<int, const char*, int> open{"open"};
constinit RealVariadicFunction<int, int, const char*, int> openat{"openat"};
constinit RealFunction<std::FILE*, const char*, const char*> fopen{"fopen"};
constinit RealFunction<std::FILE*, const char*, const char*> fopen64{"fopen64"};
constinit RealFunction<int, int> close{"close"};
constinit RealFunction<int, int> dup{"dup"};
constinit RealFunction<int, int, int> dup2{"dup2"};
constinit RealFunction<int, int, int, int> dup3{"dup3"};
constinit RealVariadicFunction<int, int, int> fcntl{"fcntl"};
constinit RealVariadicFunction<int, int, unsigned long> ioctl{"ioctl"};
constinit RealFunction<void*, void*, std::size_t, int, int, int, off_t> mmap{"mmap64"};
constinit RealFunction<int, void*, std::size_t> munmap{"munmap"};
constinit RealFunction<int, int, const struct sigaction*, struct sigaction*> sigaction{"sigaction"};
constinit RealFunction<void (*)(int), int, void (*)(int)> signal{"signal"};
constinit RealFunction<void (*)(int), int, void (*)(int)> sysv_signal{"__sysv_signal"};
constinit RealFunction<int, uid_t> setuid{"setuid"};
constinit RealFunction<int, uid_t> seteuid{"seteuid"};
constinit RealFunction<int, uid_t, uid_t> setreuid{"setreuid"};
constinit RealFunction<int, uid_t, uid_t, uid_t> setresuid{"setresuid"};
constinit RealFunction<ssize_t, int, void*, std::size_t> read{"read"};
constinit RealFunction<ssize_t, int, void*, std::size_t, std::size_t> read_chk{"__read_chk"};
constinit RealFunction<ssize_t, int, const iovec*, int> readv{"readv"};
constinit RealFunction<ssize_t, int, const void*, std::size_t> write{"write"};
constinit RealFunction<ssize_t, int, const iovec*, int> writev{"writev"};
constinit RealFunction<DIR*, const char*> opendir{"opendir"};
constinit RealFunction<DIR*, int> fdopendir{"fdopendir"};
constinit RealFunction<struct dirent*, DIR*> readdir{"readdir64"};
constinit RealFunction<void, DIR*> rewinddir{"rewinddir"};
constinit RealFunction<int, DIR*> dirfd{"dirfd"};
constinit RealFunction<int, DIR*> closedir{"closedir"};
constinit RealFunction<int, int> nice{"nice"};
constinit RealFunction<int, int, unsigned, int> setpriority{"setpriority"};
constinit RealFunction<int, const char*, int> access{"access"};
constinit RealFunction<int, int, const char*, int, int> faccessat{"faccessat"};
constinit RealFunction<int, const char*, int> euidaccess{"euidaccess"};
constinit RealFunction<int, const char*, int> eaccess{"eaccess"};
constinit RealFunction<ssize_t, const char*, char*, std::size_t> readlink{"readlink"};
constinit RealFunction<ssize_t, int, const char*, char*, std::size_t> readlinkat{"readlinkat"};
constinit RealFunction<char*, const char*, char*> realpath{"realpath"};
constinit RealFunction<char*, const char*, char*, std::size_t> realpath_chk{"__realpath_chk"};
constinit RealFunction<char*, const char*> canonicalize_file_name{"canonicalize_file_name"};
constinit RealFunction<int, const char*, mode_t> chmod{"chmod"};
constinit RealFunction<int, int, mode_t> fchmod{"fchmod"};
constinit RealFunction<int, int, const char*, mode_t, int> fchmodat{"fchmodat"};
constinit RealFunction<int, const char*, uid_t, gid_t> chown{"chown"};
constinit RealFunction<int, const char*, uid_t, gid_t> lchown{"lchown"};
constinit RealFunction<int, int, uid_t, gid_t> fchown{"fchown"};
constinit RealFunction<int, int, const char*, uid_t, gid_t, int> fchownat{"fchownat"};
constinit RealFunction<int, const char*> unlink{"unlink"};
constinit RealFunction<int, const char*, const char*, const char*, unsigned long, const void*> mount{
    "mount"};
constinit RealFunction<int, const char*, int> umount2{"umount2"};
constinit RealFunction<int, int, const char*, int> unlinkat{"unlinkat"};
constinit RealFunction<int, const char*> remove{"remove"};
constinit RealFunction<int, int, const char*, int, unsigned, struct statx*> statx{"statx"};

}  // namespace real

int stat_descriptor(int fd, struct stat* answer) {
#if defined(__LP64__)
  // The kernel's struct is the C library's.
  return static_cast<int>(real::syscall(SYS_fstat, fd, answer));
#else
  static_assert(sizeof(struct stat) == sizeof(struct stat64));
  return static_cast<int>(real::syscall(SYS_fstat64, fd, answer));
#endif
}

int stat_path(int dir, const char* path, struct stat* answer, int flags) {
#if defined(__LP64__)
  return static_cast<int>(real::syscall(SYS_newfstatat, dir, path, answer, flags));
#else
  return static_cast<int>(real::syscall(SYS_fstatat64, dir, path, answer, flags));
#endif
}

}  // namespace netbinder
