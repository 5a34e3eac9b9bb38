// SPDX-License-Identifier: Apache-2.0
#include "shim/process_state.h"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shim/fault_signals.h"
#include "shim/real_calls.h"

namespace netbinder {
namespace {

constinit pthread_mutex_t state_mutex = PTHREAD_MUTEX_INITIALIZER;
constinit std::atomic<std::uint32_t> generation = 0;
constinit std::atomic<int> own_pid = 0;
// On a page that the kernel clears in every forked copy: 1 in this process, 0 in a new one.
constinit std::atomic<std::uint32_t>* marker = nullptr;
sigset_t signals_before_fork;          // guarded by state_mutex
constinit ForkHandlers fork_handlers;  // set once, before any fork that matters

void settle_in_child() {
  own_pid.store(::getpid(), std::memory_order_relaxed);
  generation.fetch_add(1, std::memory_order_relaxed);
  if (marker != nullptr) marker->store(1, std::memory_order_relaxed);
  state_mutex = PTHREAD_MUTEX_INITIALIZER;
  fork_handlers.settle_in_child();
}

void before_fork() {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  leave_out_fault_signals(all);
  real::pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_mutex_lock(&state_mutex);
  signals_before_fork = before;
  fork_handlers.before();
}

void after_fork_in_parent() {
  const sigset_t before = signals_before_fork;
  pthread_mutex_unlock(&state_mutex);
  real::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void after_fork_in_child() {
  const sigset_t before = signals_before_fork;
  settle_in_child();
  real::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace

void initialize_process_state(const ForkHandlers& handlers) {
  fork_handlers = handlers;
  own_pid.store(::getpid(), std::memory_order_relaxed);
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const memory =
      real::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED) {
    if (::madvise(memory, page, MADV_WIPEONFORK) == 0) {
      marker = static_cast<std::atomic<std::uint32_t>*>(memory);
      marker->store(1, std::memory_order_relaxed);
    } else {
      real::munmap(memory, page);
    }
  }
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

std::uint32_t fork_generation() { return generation.load(std::memory_order_relaxed); }

int process_id() { return own_pid.load(std::memory_order_relaxed); }

bool in_vfork_child() { return ::getpid() != process_id(); }

void check_fork() {
  if (marker != nullptr && marker->load(std::memory_order_relaxed) == 0) [[unlikely]] {
    settle_in_child();
  }
}

StateLock::StateLock() {
  sigset_t all;
  sigfillset(&all);
  leave_out_fault_signals(all);
  real::pthread_sigmask(SIG_SETMASK, &all, &signals_);
  pthread_mutex_lock(&state_mutex);
}

StateLock::~StateLock() {
  pthread_mutex_unlock(&state_mutex);
  real::pthread_sigmask(SIG_SETMASK, &signals_, nullptr);
}

SignalsBlocked::SignalsBlocked() {
  sigset_t all;
  sigfillset(&all);
  leave_out_fault_signals(all);
  real::pthread_sigmask(SIG_SETMASK, &all, &signals_);
}

SignalsBlocked::~SignalsBlocked() { real::pthread_sigmask(SIG_SETMASK, &signals_, nullptr); }

}  // namespace netbinder
