// SPDX-License-Identifier: Apache-2.0
#include "shim/fault_signals.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <type_traits>

#include "shim/guarded_copy.h"
#include "shim/process_state.h"
#include "shim/real_calls.h"

namespace netbinder {
namespace {

// The program's action for one signal. The handler may look while another thread changes it, so a
// reader takes two looks at `version`, which is odd during a change. Writers hold the state lock.
class ProgramAction {
 public:
  void set(const struct sigaction& action) {
    version_.fetch_add(1, std::memory_order_acq_rel);
    action_ = action;
    version_.fetch_add(1, std::memory_order_release);
  }
  [[nodiscard]] struct sigaction get() const {
    for (;;) {
      const std::uint32_t before = version_.load(std::memory_order_acquire);
      const struct sigaction action = action_;
      std::atomic_thread_fence(std::memory_order_acquire);
      if ((before & 1) == 0 && version_.load(std::memory_order_relaxed) == before) return action;
    }
  }

 private:
  std::atomic<std::uint32_t> version_ = 0;
  struct sigaction action_ {};
};

constinit ProgramAction segv_action;
constinit ProgramAction bus_action;
constinit std::atomic<bool> ours = false;

ProgramAction& action_of(int signal) { return signal == SIGSEGV ? segv_action : bus_action; }

#if defined(__x86_64__)
auto& program_counter(ucontext_t& context) { return context.uc_mcontext.gregs[REG_RIP]; }
#elif defined(__i386__)
auto& program_counter(ucontext_t& context) { return context.uc_mcontext.gregs[REG_EIP]; }
#elif defined(__aarch64__)
auto& program_counter(ucontext_t& context) { return context.uc_mcontext.pc; }
#endif

// The default action. A fault happens again as soon as the handler has returned; a signal that
// somebody sent has to be sent again.
void end_process(int signal, siginfo_t* info) {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  (void)real::sigaction(signal, &action, nullptr);
  if (info->si_code > 0) return;
  (void)real::syscall(SYS_rt_tgsigqueueinfo, ::getpid(), real::syscall(SYS_gettid), signal, info);
}

void handle(int signal, siginfo_t* info, void* context) {
  if (info->si_code > 0) {
    auto& counter = program_counter(*static_cast<ucontext_t*>(context));
    const std::uintptr_t landing = landing_of_guarded(static_cast<std::uintptr_t>(counter));
    if (landing != 0) {
      counter = static_cast<std::decay_t<decltype(counter)>>(landing);
      return;
    }
  }
  const struct sigaction action = action_of(signal).get();
  if ((action.sa_flags & static_cast<int>(SA_RESETHAND)) != 0) {
    struct sigaction none {};
    none.sa_handler = SIG_DFL;
    action_of(signal).set(none);
  }
  if ((action.sa_flags & SA_SIGINFO) != 0) {
    action.sa_sigaction(signal, info, context);
  } else if (action.sa_handler == SIG_DFL) {
    end_process(signal, info);
  } else if (action.sa_handler == SIG_IGN) {
    // The kernel ignores none that a fault has caused.
    if (info->si_code > 0) end_process(signal, info);
  } else {
    action.sa_handler(signal);
  }
}

// Makes the kernel call handle() in the way in which the program wants its own handler called.
// SA_RESETHAND is handle()'s to carry out, as ours must stay.
int install(int signal, const struct sigaction& program) {
  struct sigaction action {};
  action.sa_sigaction = handle;
  action.sa_mask = program.sa_mask;
  action.sa_flags = SA_SIGINFO | (program.sa_flags & (SA_ONSTACK | SA_NODEFER | SA_RESTART));
  return real::sigaction(signal, &action, nullptr);
}

}  // namespace

void begin_catching_faults() {
  for (const int signal : {SIGSEGV, SIGBUS}) {
    struct sigaction program {};
    if (real::sigaction(signal, nullptr, &program) != 0) return;
    action_of(signal).set(program);
    if (install(signal, program) != 0) return;
  }
  ours.store(true, std::memory_order_release);
}

bool fault_sigaction(int signal, const struct sigaction* action, struct sigaction* old,
                     int& result) {
  if ((signal != SIGSEGV && signal != SIGBUS) || !ours.load(std::memory_order_acquire)) {
    return false;
  }
  // Its actions are its own, but what is written here would be its parent's.
  if (in_vfork_child()) return false;
  const StateLock lock;
  const struct sigaction before = action_of(signal).get();
  result = 0;
  if (action != nullptr) {
    action_of(signal).set(*action);
    result = install(signal, *action);
    if (result != 0) action_of(signal).set(before);
  }
  if (old != nullptr && result == 0) *old = before;
  return true;
}

}  // namespace netbinder
