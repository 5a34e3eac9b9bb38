// SPDX-License-Identifier: Apache-2.0
//
// The C library's functions behind the ones the shim replaces, found at first use (dlsym with
// RTLD_NEXT, so that other preloaded libraries keep their turn; in the C library itself where the
// shim is not preloaded but linked to). Any thread.
#pragma once

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <cstdio>

struct statx;
struct iovec;

namespace netbinder {

// Any function of the program's libraries; null if there is none.
void* find_function(const char* name);

void* find_next_function(std::atomic<void*>& cache, const char* name);

template <typename Result, typename... Arguments>
class RealFunction {
 public:
  constexpr explicit RealFunction(const char* name) : name_(name) {}

  Result operator()(Arguments... arguments) {
    void* found = cache_.load(std::memory_order_relaxed);
    if (found == nullptr) found = find_next_function(cache_, name_);
    return reinterpret_cast<Result (*)(Arguments...)>(found)(arguments...);
  }

 private:
  const char* name_;
  std::atomic<void*> cache_ = nullptr;
};

// On some machines a variadic function cannot be called through a type without the dots.
template <typename Result, typename... Arguments>
class RealVariadicFunction {
 public:
  constexpr explicit RealVariadicFunction(const char* name) : name_(name) {}

  template <typename Extra>
  Result operator()(Arguments... arguments, Extra extra) {
    void* found = cache_.load(std::memory_order_relaxed);
    if (found == nullptr) found = find_next_function(cache_, name_);
    return reinterpret_cast<Result (*)(Arguments..., ...)>(found)(arguments..., extra);
  }

 private:
  const char* name_;
  std::atomic<void*> cache_ = nullptr;
};

namespace real {

// syscall(2), with as many arguments as there are.
template <typename... Arguments>
long syscall(long number, Arguments... arguments);
extern RealFunction<int, pthread_t*, const pthread_attr_t*, void* (*)(void*), void*> pthread_create;
extern RealFunction<int, int, const sigset_t*, sigset_t*> pthread_sigmask;
extern RealFunction<int, int, const sigset_t*, sigset_t*> sigprocmask;
extern RealVariadicFunction<int, const char*, int> open;
extern RealVariadicFunction<int, int, const char*, int> openat;
extern RealFunction<std::FILE*, const char*, const char*> fopen;
extern RealFunction<std::FILE*, const char*, const char*> fopen64;
extern RealFunction<int, int> close;
extern RealFunction<int, int> dup;
extern RealFunction<int, int, int> dup2;
extern RealFunction<int, int, int, int> dup3;
extern RealVariadicFunction<int, int, int> fcntl;
extern RealVariadicFunction<int, int, unsigned long> ioctl;
extern RealFunction<void*, void*, std::size_t, int, int, int, off_t> mmap;
extern RealFunction<int, void*, std::size_t> munmap;
extern RealFunction<int, int, const struct sigaction*, struct sigaction*> sigaction;
extern RealFunction<void (*)(int), int, void (*)(int)> signal;
extern RealFunction<void (*)(int), int, void (*)(int)> sysv_signal;
extern RealFunction<int, uid_t> setuid;
extern RealFunction<int, uid_t> seteuid;
extern RealFunction<int, uid_t, uid_t> setreuid;
extern RealFunction<int, uid_t, uid_t, uid_t> setresuid;
extern RealFunction<ssize_t, int, void*, std::size_t> read;
extern RealFunction<ssize_t, int, void*, std::size_t, std::size_t> read_chk;
extern RealFunction<ssize_t, int, const iovec*, int> readv;
extern RealFunction<ssize_t, int, const void*, std::size_t> write;
extern RealFunction<ssize_t, int, const iovec*, int> writev;
extern RealFunction<DIR*, const char*> opendir;
extern RealFunction<DIR*, int> fdopendir;
extern RealFunction<struct dirent*, DIR*> readdir;
extern RealFunction<void, DIR*> rewinddir;
extern RealFunction<int, DIR*> dirfd;
extern RealFunction<int, DIR*> closedir;
extern RealFunction<int, int> nice;
extern RealFunction<int, int, unsigned, int> setpriority;
extern RealFunction<int, const char*, int> access;
extern RealFunction<int, int, const char*, int, int> faccessat;
extern RealFunction<int, const char*, int> euidaccess;
extern RealFunction<int, const char*, int> eaccess;
extern RealFunction<ssize_t, const char*, char*, std::size_t> readlink;
extern RealFunction<ssize_t, int, const char*, char*, std::size_t> readlinkat;
extern RealFunction<char*, const char*, char*> realpath;
extern RealFunction<char*, const char*, char*, std::size_t> realpath_chk;
extern RealFunction<char*, const char*> canonicalize_file_name;
extern RealFunction<int, const char*, mode_t> chmod;
extern RealFunction<int, int, mode_t> fchmod;
extern RealFunction<int, int, const char*, mode_t, int> fchmodat;
extern RealFunction<int, const char*, uid_t, gid_t> chown;
extern RealFunction<int, const char*, uid_t, gid_t> lchown;
extern RealFunction<int, int, uid_t, gid_t> fchown;
extern RealFunction<int, int, const char*, uid_t, gid_t, int> fchownat;
extern RealFunction<int, const char*> unlink;
extern RealFunction<int, const char*, const char*, const char*, unsigned long, const void*> mount;
extern RealFunction<int, const char*, int> umount2;
extern RealFunction<int, int, const char*, int> unlinkat;
extern RealFunction<int, const char*> remove;
extern RealFunction<int, int, const char*, int, unsigned, struct statx*> statx;

}  // namespace real

namespace real {

extern std::atomic<void*> syscall_cache;

template <typename... Arguments>
long syscall(long number, Arguments... arguments) {
  void* found = syscall_cache.load(std::memory_order_relaxed);
  if (found == nullptr) found = find_next_function(syscall_cache, "syscall");
  return reinterpret_cast<long (*)(long, ...)>(found)(number, arguments...);
}

}  // namespace real

// fstat(2) by the system call. The function has two names, of which a C library may lack one, and
// others that are preloaded may answer something else.
int stat_descriptor(int fd, struct stat* answer);
// fstatat(2) likewise.
int stat_path(int dir, const char* path, struct stat* answer, int flags);

}  // namespace netbinder
