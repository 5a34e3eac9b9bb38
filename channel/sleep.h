// SPDX-License-Identifier: Apache-2.0
//
// How a program's thread sleeps until the agent hands its mailbox back, and how the agent wakes it:
// by a shared futex on the mailbox's state. The word `sleeping` saves the agent the system call
// while the thread is awake.
//
// MEMORY ORDER. Each side writes one word and then reads the other's:
//     agent                              program
//     hand_over: stores state            sleep_while: stores sleeping = 1
//     wake_sleeper: fence                             fence
//                   loads sleeping                    loads state
// As with the doorbell (channel/doorbell.h) the two sequentially consistent fences ensure that not
// both read the old value: either the agent finds the thread about to sleep and wakes it, or the
// thread finds the new state and does not sleep.
// Between the thread's look and its sleep the agent may hand over and wake nobody. The futex covers
// that gap: it compares the state once more, under the lock that wake-ups take as well, and does
// not sleep if the state has changed.
//
// Only the thread itself clears `sleeping`, after its sleep. If the agent cleared it as well, it
// could do so late, when the thread has already taken that response, made its next request and set
// the word again. The thread would then sleep with the word cleared, and nobody would wake it
// before its next check of the agent's health. A wake-up that comes late for the same reason only
// makes the thread look once more.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "channel/handover.h"
#include "channel/mailbox.h"

namespace netbinder {

// Makes a system call through the C library. The shim replaces that function, and passes these
// functions one of its own.
struct LibrarySyscall {
  template <typename... Arguments>
  long operator()(long number, Arguments... arguments) const {
    return ::syscall(number, arguments...);
  }
};

// Program: sleeps while the state is `seen`, for `limit_ns` at most. Returns 0, EINTR or ETIMEDOUT;
// it may return 0 for no reason. Leaves errno alone unless it sleeps.
template <typename Syscall = LibrarySyscall>
int sleep_while(Mailbox& mailbox, std::uint32_t seen, std::uint64_t limit_ns,
                Syscall system_call = {}) {
  mailbox.sleeping.store(1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  int result = 0;
  if (look_at(mailbox) == seen) {
    const timespec limit{.tv_sec = static_cast<time_t>(limit_ns / 1'000'000'000),
                         .tv_nsec = static_cast<long>(limit_ns % 1'000'000'000)};
    const long slept =
        system_call(SYS_futex, &mailbox.state, FUTEX_WAIT, seen, &limit, nullptr, 0);
    if (slept != 0 && errno != EAGAIN) result = errno;
  }
  mailbox.sleeping.store(0, std::memory_order_relaxed);
  return result;
}

// Wakes the thread if it sleeps, at the cost of a system call. For other threads of the program,
// after they have changed the state.
template <typename Syscall = LibrarySyscall>
void wake_in_any_case(Mailbox& mailbox, Syscall system_call = {}) {
  system_call(SYS_futex, &mailbox.state, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

// Agent, after hand_over: wakes the thread if it sleeps or is about to. Returns whether it did so.
inline bool wake_sleeper(Mailbox& mailbox) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (mailbox.sleeping.load(std::memory_order_relaxed) == 0) return false;
  wake_in_any_case(mailbox);
  return true;
}

}  // namespace netbinder
