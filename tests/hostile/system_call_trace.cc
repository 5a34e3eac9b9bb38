// SPDX-License-Identifier: Apache-2.0
#include "tests/hostile/system_call_trace.h"

#include <gtest/gtest.h>
#include <sys/ptrace.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <new>

namespace netbinder::testing {

SystemCallTrace::SystemCallTrace(pid_t thread) {
  void* const memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  shared_ = new (memory) Shared{};
  tracer_ = ::fork();
  if (tracer_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    trace(thread, *shared_);
    ::_exit(1);
  }
  int status = 0;
  while (!shared_->attached && ::waitpid(tracer_, &status, WNOHANG) == 0) ::sched_yield();
  EXPECT_TRUE(shared_->attached) << "NOT RUN: the agent cannot be traced";
}

SystemCallTrace::~SystemCallTrace() {
  ::kill(tracer_, SIGKILL);
  ::waitpid(tracer_, nullptr, 0);
  ::munmap(shared_, sizeof(Shared));
}

std::set<long> SystemCallTrace::seen() const {
  std::set<long> numbers;
  for (std::size_t i = 0; i < kMost; ++i) {
    if (shared_->seen[i]) numbers.insert(static_cast<long>(i));
  }
  return numbers;
}

void SystemCallTrace::trace(pid_t thread, Shared& shared) {
  if (::ptrace(PTRACE_SEIZE, thread, nullptr, PTRACE_O_TRACESYSGOOD) != 0 ||
      ::ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) != 0) {
    return;
  }
  for (int status = 0; ::waitpid(thread, &status, __WALL) == thread && WIFSTOPPED(status);) {
    int signal = 0;
    if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
      __ptrace_syscall_info info{};
      (void)::ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info);
      if (info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr < kMost) {
        shared.seen[info.entry.nr] = true;
      }
    } else if (status >> 16 == 0) {
      signal = WSTOPSIG(status);
    }
    (void)::ptrace(PTRACE_SYSCALL, thread, nullptr, signal);
    shared.attached = true;
  }
}

}  // namespace netbinder::testing
