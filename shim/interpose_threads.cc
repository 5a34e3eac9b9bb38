// SPDX-License-Identifier: Apache-2.0
// syscall; and what the trap needs of threads and masks (shim/trap.h).
#include <pthread.h>
#include <signal.h>

#include <cerrno>
#include <cstdarg>

#include "shim/allocation.h"
#include "shim/interpose.h"
#include "shim/real_calls.h"
#include "shim/system_calls.h"
#include "shim/trap.h"

namespace netbinder {

// However many arguments there are, it does no harm to read six.
NETBINDER_INTERPOSE(long, shim_syscall, "syscall", long number, ...) {
  long given[6];
  va_list arguments;
  va_start(arguments, number);
  for (long& each : given) each = va_arg(arguments, long);
  va_end(arguments);
  if (!concerns_shim(number)) [[likely]] {
    return real::syscall(number, given[0], given[1], given[2], given[3], given[4], given[5]);
  }
  const long result = emulate_system_call(number, given);
  if (result < 0 && result > -4096) {
    errno = static_cast<int>(-result);
    return -1;
  }
  return result;
}

namespace {

[[gnu::constructor]] void say_what_to_do() { carry_out_trapped_by(emulate_system_call); }

struct Start {
  void* (*begin)(void*);
  void* argument;
};

void* start_thread(void* given) {
  const Start start = *static_cast<Start*>(given);
  destroy_object(static_cast<Start*>(given));
  trap_this_thread();
  return start.begin(start.argument);
}

// Never blocks the signal by which calls are handed over.
const sigset_t* without_trap(const sigset_t* set, int how, sigset_t& room) {
  if (set == nullptr || how == SIG_UNBLOCK || !traps_calls()) return set;
  room = *set;
  sigdelset(&room, SIGSYS);
  return &room;
}

}  // namespace

NETBINDER_INTERPOSE(int, shim_pthread_create, "pthread_create", pthread_t* thread,
                    const pthread_attr_t* attributes, void* (*begin)(void*), void* argument) {
  if (!traps_calls()) return real::pthread_create(thread, attributes, begin, argument);
  auto* const start = make_object<Start>(begin, argument);
  if (start == nullptr) return EAGAIN;
  const int error = real::pthread_create(thread, attributes, start_thread, start);
  if (error != 0) destroy_object(start);
  return error;
}

NETBINDER_INTERPOSE(int, shim_pthread_sigmask, "pthread_sigmask", int how, const sigset_t* set,
                    sigset_t* old) {
  sigset_t room;
  return real::pthread_sigmask(how, without_trap(set, how, room), old);
}

NETBINDER_INTERPOSE(int, shim_sigprocmask, "sigprocmask", int how, const sigset_t* set,
                    sigset_t* old) {
  sigset_t room;
  return real::sigprocmask(how, without_trap(set, how, room), old);
}

}  // namespace netbinder
