// SPDX-License-Identifier: Apache-2.0
#include "shim/trap.h"

#include <dirent.h>
#include <fcntl.h>
#include <link.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "shim/process_state.h"
#include "shim/real_calls.h"

namespace netbinder {
namespace {

#ifndef PR_SET_SYSCALL_USER_DISPATCH
constexpr int PR_SET_SYSCALL_USER_DISPATCH = 59;
#endif
constexpr int kDispatchOn = 1;
constexpr char kAllow = 0;
constexpr char kBlock = 1;
constexpr int kDispatched = 2;  // si_code: SYS_USER_DISPATCH

struct Range {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
};

constinit std::atomic<bool> active = false;
constinit CarryOut carry_out = nullptr;    // set before the program begins
constinit Range exempt;                    // the C library's text; set before `active`
constinit struct sigaction program_action {};  // guarded by the state lock
constinit std::atomic<unsigned long long> looked_at = 0;  // objects loaded when they were last searched
// The kernel looks at it with each call that is not exempt.
constinit thread_local char selector = kAllow;

bool is_part_of_c_library(const char* name) {
  const char* const file = std::strrchr(name, '/');
  if (file == nullptr) return false;
  for (const char* const prefix : {"/libc.so", "/libc-2.", "/libpthread.so", "/libpthread-2."}) {
    if (std::strncmp(file, prefix, std::strlen(prefix)) == 0) return true;
  }
  return false;
}

// Objects whose calls are none of the program's: the loader, the kernel's own, this library, and
// sanitizers, whose calls must not be interfered with.
bool is_left_alone(const dl_phdr_info& info) {
  const auto own = reinterpret_cast<std::uintptr_t>(&is_left_alone);
  for (int i = 0; i < info.dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = info.dlpi_phdr[i];
    const std::uintptr_t begin = info.dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_LOAD && own >= begin && own - begin < segment.p_memsz) return true;
  }
  for (const char* const part : {"/ld-linux", "/ld-2.", "linux-vdso", "/libasan.so", "/libtsan.so",
                                 "/libubsan.so", "/liblsan.so"}) {
    if (std::strstr(info.dlpi_name, part) != nullptr) return true;
  }
  return false;
}

// The kernel hands over calls of 64-bit programs of x86. Other programs need the supervisor.
#if defined(__x86_64__)
constexpr bool kCanTrap = true;
constexpr unsigned char kInstruction[] = {0x0f, 0x05};
#elif defined(__aarch64__)
constexpr bool kCanTrap = false;
constexpr unsigned char kInstruction[] = {0x01, 0x00, 0x00, 0xd4};
#else
constexpr bool kCanTrap = false;
constexpr unsigned char kInstruction[] = {0xcd, 0x80};
#endif

int look_for_instruction(dl_phdr_info* info, std::size_t, void* found) {
  looked_at.store(info->dlpi_adds, std::memory_order_relaxed);
  if (is_part_of_c_library(info->dlpi_name) || is_left_alone(*info)) return 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = info->dlpi_phdr[i];
    constexpr unsigned kReadableText = PF_X | PF_R;
    if (segment.p_type != PT_LOAD || (segment.p_flags & kReadableText) != kReadableText) continue;
    const void* const text = reinterpret_cast<const void*>(info->dlpi_addr + segment.p_vaddr);
    if (::memmem(text, segment.p_filesz, kInstruction, sizeof kInstruction) != nullptr) {
      *static_cast<bool*>(found) = true;
      return 1;
    }
  }
  return 0;
}

int find_c_library(dl_phdr_info* info, std::size_t, void* found) {
  if (!is_part_of_c_library(info->dlpi_name)) return 0;
  Range& range = *static_cast<Range*>(found);
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
    const std::uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
    range.begin = range.begin == 0 ? begin : std::min(range.begin, begin);
    range.end = std::max(range.end, begin + segment.p_memsz);
  }
  return 0;
}

bool told(const char* value) {
  const char* const setting = std::getenv("NETBINDER_TRAP");
  return setting != nullptr && std::strcmp(setting, value) == 0;
}

#if defined(__x86_64__)

// A system call that an instruction of the program has made.
struct TrappedCall {
  explicit TrappedCall(ucontext_t& of) : context(of), registers(of.uc_mcontext.gregs) {}

  [[nodiscard]] long number() const { return registers[REG_RAX]; }
  [[nodiscard]] long argument(int i) const {
    static constexpr int kPlaces[] = {REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9};
    return registers[kPlaces[i]];
  }
  void give(long result) { registers[REG_RAX] = result; }
  // The instruction is executed again, and this time the kernel carries it out. From then on this
  // thread's are not handed over, until it is told so again.
  void let_pass() {
    selector = kAllow;
    registers[REG_RIP] -= static_cast<long>(sizeof kInstruction);
  }

  ucontext_t& context;
  greg_t (&registers)[NGREG];
};

// Calls that change state which the kernel restores when the handler returns: it is changed there.
bool change_context(TrappedCall& call) {
  sigset_t& mask = call.context.uc_sigmask;
  constexpr std::size_t kKernelsBytes = 8;
  if (call.number() == SYS_rt_sigprocmask) {
    std::uint64_t now = 0;
    std::uint64_t change = 0;
    std::memcpy(&now, &mask, kKernelsBytes);
    const auto* const set = reinterpret_cast<const void*>(call.argument(1));
    auto* const old = reinterpret_cast<void*>(call.argument(2));
    std::uint64_t next = now;
    if (set != nullptr) {
      std::memcpy(&change, set, kKernelsBytes);
      switch (call.argument(0)) {
        case SIG_BLOCK:
          next = now | change;
          break;
        case SIG_UNBLOCK:
          next = now & ~change;
          break;
        case SIG_SETMASK:
          next = change;
          break;
        default:
          call.give(-EINVAL);
          return true;
      }
    }
    if (old != nullptr) std::memcpy(old, &now, kKernelsBytes);
    next &= ~(std::uint64_t{1} << (SIGSYS - 1));
    std::memcpy(&mask, &next, kKernelsBytes);
    call.give(0);
    return true;
  }
  if (call.number() == SYS_sigaltstack) {
    const long result = real::syscall(SYS_sigaltstack, call.argument(0), call.argument(1));
    if (result == 0 && call.argument(0) != 0) {
      call.context.uc_stack = *reinterpret_cast<const stack_t*>(call.argument(0));
    }
    call.give(result == 0 ? 0 : -errno);
    return true;
  }
  return false;
}

// Calls after which there would be no way back through the handler.
bool must_pass(const TrappedCall& call) {
  switch (call.number()) {
    case SYS_rt_sigreturn:
    case SYS_vfork:
    case SYS_clone3:
      return true;
    case SYS_clone:
      return (call.argument(0) & CLONE_VM) != 0;
    default:
      return false;
  }
}

void handle_dispatched(void* context) {
  TrappedCall call(*static_cast<ucontext_t*>(context));
  if (must_pass(call)) {
    call.let_pass();
    return;
  }
  if (change_context(call)) return;
  const long arguments[6] = {call.argument(0), call.argument(1), call.argument(2),
                             call.argument(3), call.argument(4), call.argument(5)};
  const bool forks = call.number() == SYS_fork || call.number() == SYS_clone;
  const long result = carry_out(call.number(), arguments);
  if (forks && result == 0) trap_this_thread();  // the new process begins without
  call.give(result);
}

#else

void handle_dispatched(void*) {}

#endif

// It keeps nothing of the state lock: it may interrupt any of the program's instructions.
void handle(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  if (info->si_code == kDispatched) {
    handle_dispatched(context);
  } else if (info->si_code == SI_QUEUE && info->si_value.sival_ptr == &exempt) {
    trap_this_thread();
  } else if ((program_action.sa_flags & SA_SIGINFO) != 0) {
    program_action.sa_sigaction(signal, info, context);
  } else if (program_action.sa_handler == SIG_DFL) {
    struct sigaction none {};
    none.sa_handler = SIG_DFL;
    (void)real::sigaction(signal, &none, nullptr);
    (void)real::syscall(SYS_tgkill, process_id(), real::syscall(SYS_gettid), signal);
  } else if (program_action.sa_handler != SIG_IGN) {
    program_action.sa_handler(signal);
  }
  errno = saved_errno;
}

// Asks the other threads that there are already to have theirs handed over.
void tell_other_threads() {
  const long own = real::syscall(SYS_gettid);
  DIR* const threads = real::opendir("/proc/self/task");
  if (threads == nullptr) return;
  siginfo_t message{};
  message.si_signo = SIGSYS;
  message.si_code = SI_QUEUE;
  message.si_value.sival_ptr = &exempt;
  while (const dirent* const entry = real::readdir(threads)) {
    const long tid = std::strtol(entry->d_name, nullptr, 10);
    if (tid <= 0 || tid == own) continue;
    (void)real::syscall(SYS_rt_tgsigqueueinfo, process_id(), tid, SIGSYS, &message);
  }
  (void)real::closedir(threads);
}

void begin() {
  if (active.load(std::memory_order_acquire)) return;
  {
    const StateLock lock;
    if (active.load(std::memory_order_relaxed)) return;
    (void)::dl_iterate_phdr(find_c_library, &exempt);
    if (exempt.begin == 0) return;
    // Whether the kernel can do it at all.
    if (::prctl(PR_SET_SYSCALL_USER_DISPATCH, kDispatchOn, exempt.begin, exempt.end - exempt.begin,
                &selector) != 0) {
      return;
    }
    struct sigaction action {};
    action.sa_sigaction = handle;
    // It stays deliverable: the handler of another signal may make such calls while this one waits.
    action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART;
    if (real::sigaction(SIGSYS, &action, &program_action) != 0) return;
    active.store(true, std::memory_order_release);
  }
  trap_this_thread();
  tell_other_threads();
}

}  // namespace

void trap_if_needed() {
  if (!kCanTrap) return;
  const int saved_errno = errno;
  if (active.load(std::memory_order_acquire)) {
    trap_this_thread();
  } else if (!told("0")) {
    // Libraries may have been loaded since the last look.
    unsigned long long loaded = 0;
    (void)::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* into) {
          *static_cast<unsigned long long*>(into) = info->dlpi_adds;
          return 1;
        },
        &loaded);
    bool found = false;
    if (loaded != looked_at.load(std::memory_order_relaxed)) {
      (void)::dl_iterate_phdr(look_for_instruction, &found);
    }
    if (found) begin();
  }
  errno = saved_errno;
}

void carry_out_trapped_by(CarryOut function) {
  carry_out = function;
  if (kCanTrap && told("1")) begin();
}

void trap_this_thread() {
  if (!active.load(std::memory_order_acquire)) return;
  const int saved_errno = errno;
  if (::prctl(PR_SET_SYSCALL_USER_DISPATCH, kDispatchOn, exempt.begin, exempt.end - exempt.begin,
              &selector) == 0) {
    selector = kBlock;
  }
  errno = saved_errno;
}

bool traps_calls() { return active.load(std::memory_order_relaxed); }

bool trap_sigaction(int signal, const struct sigaction* action, struct sigaction* old,
                    int& result) {
  if (signal != SIGSYS || !active.load(std::memory_order_acquire) || in_vfork_child()) return false;
  const StateLock lock;
  const struct sigaction before = program_action;
  if (action != nullptr) program_action = *action;
  if (old != nullptr) *old = before;
  result = 0;
  return true;
}

}  // namespace netbinder
