// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/child.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>

namespace netbinder::bench {

namespace {

void enter_namespace(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 || ::setns(fd, CLONE_NEWNET) != 0) fail("cannot enter " + path);
  ::close(fd);
  // A /sys that shows the devices of this namespace: some look for them there.
  if (::unshare(CLONE_NEWNS) != 0 ||
      ::mount("none", "/", nullptr, MS_SLAVE | MS_REC, nullptr) != 0 ||
      ::umount2("/sys", MNT_DETACH) != 0 || ::mount("sysfs", "/sys", "sysfs", 0, nullptr) != 0) {
    fail("cannot mount /sys of " + path);
  }
}

void go_to(const Place& place) {
  if (!place.namespace_path.empty()) enter_namespace(place.namespace_path);
  if (place.processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(*place.processor, &set);
    if (::sched_setaffinity(0, sizeof set, &set) != 0) {
      fail("cannot run on processor " + std::to_string(*place.processor));
    }
  }
}

}  // namespace

void fail(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

Child Child::start(const Place& place, const std::function<void()>& body) {
  const pid_t parent = ::getpid();
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) fail("cannot fork");
  if (pid > 0) return Child(pid);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  int status = 1;
  try {
    if (::getppid() == parent) {
      go_to(place);
      body();
      status = 0;
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  ::_exit(status);
}

void Child::end() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

std::uint64_t Child::cpu_ns() const {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(pid_, &clock) != 0 || ::clock_gettime(clock, &used) != 0) {
    throw std::runtime_error("a process of the turn has ended");
  }
  return static_cast<std::uint64_t>(used.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(used.tv_nsec);
}

}  // namespace netbinder::bench
