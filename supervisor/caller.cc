// SPDX-License-Identifier: Apache-2.0
#include "supervisor/caller.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace netbinder::supervisor {

namespace {

constinit thread_local const Caller* current = nullptr;

// A line of /proc/TID/status that holds a mask of signals.
std::uint64_t signal_mask(const char* text, const char* name) {
  const char* const line = std::strstr(text, name);
  return line == nullptr ? 0 : std::strtoull(line + std::strlen(name), nullptr, 16);
}

}  // namespace

int Caller::copy_of(int number) const {
  return static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd, number, 0));
}

int Caller::install(int file, bool close_on_exec) const {
  seccomp_notif_addfd request{};
  request.id = id;
  request.srcfd = static_cast<std::uint32_t>(file);
  request.newfd_flags = close_on_exec ? O_CLOEXEC : 0;
  return ::ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &request);
}

bool Caller::replace(int number, int file, bool close_on_exec) const {
  seccomp_notif_addfd request{};
  request.id = id;
  request.flags = SECCOMP_ADDFD_FLAG_SETFD;
  request.srcfd = static_cast<std::uint32_t>(file);
  request.newfd = static_cast<std::uint32_t>(number);
  request.newfd_flags = close_on_exec ? O_CLOEXEC : 0;
  return ::ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &request) == number;
}

bool Caller::waits() const {
  std::uint64_t asked = id;
  return ::ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &asked) == 0;
}

bool Caller::has_signal() const {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/status", tid);
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return true;
  char text[4096];
  const ssize_t size = ::read(file, text, sizeof text - 1);
  ::close(file);
  if (size <= 0) return true;
  text[size] = '\0';
  const std::uint64_t pending = signal_mask(text, "SigPnd:\t") | signal_mask(text, "ShdPnd:\t");
  // The default action of an ignored one is not worth an interruption, nor is that of SIGCHLD and
  // its like.
  constexpr std::uint64_t kIgnoredByDefault = std::uint64_t{1} << 16 | std::uint64_t{1} << 17 |
                                              std::uint64_t{1} << 22 | std::uint64_t{1} << 27;
  const std::uint64_t caught = signal_mask(text, "SigCgt:\t");
  const std::uint64_t ignored =
      signal_mask(text, "SigIgn:\t") | (kIgnoredByDefault & ~caught);
  return (pending & ~signal_mask(text, "SigBlk:\t") & ~ignored) != 0;
}

const Caller* current_caller() { return current; }

CallerScope::CallerScope(const Caller& caller) { current = &caller; }
CallerScope::~CallerScope() { current = nullptr; }

}  // namespace netbinder::supervisor
