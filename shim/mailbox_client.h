// SPDX-License-Identifier: Apache-2.0
//
// The program's side of the mailbox protocol (channel/mailbox.h). A thread claims a mailbox of a
// Descriptor at its first call and keeps it for the next ones; it is given back when the thread
// ends.
//
// Safe in signal handlers: a call made in the handler of a signal that interrupted another call
// uses a mailbox of its own. The interrupted call has been cancelled before, as a system call would
// have been.
#pragma once

#include <array>
#include <cstdint>

#include "channel/mailbox.h"
#include "channel/wait_policy.h"
#include "shim/descriptor.h"
#include "shim/health_checks.h"

namespace netbinder {

// A mailbox that a thread has.
struct HeldMailbox {
  Descriptor* descriptor;  // null: this place is free
  std::uint32_t generation;
  std::uint16_t index;
  bool busy;
  bool known;  // the driver has a thread of this one's name

  [[nodiscard]] bool is_current() const {
    return descriptor != nullptr &&
           descriptor->generation.load(std::memory_order_acquire) == generation;
  }
};

inline constexpr std::uint32_t kHeldMailboxes = 6;

// The state of a thread. Plain data in static storage: it must be usable in any signal handler and
// allocate nothing. The members that a call needs are in the first cache line.
struct alignas(64) ThreadState {
  std::uint32_t tid;
  std::uint32_t next_victim;
  std::uint64_t last_wait_ended_ns;
  WaitPolicy waits;
  HealthChecks health_checks;
  std::array<HeldMailbox, kHeldMailboxes> held;
};

// For a process that makes the calls of others' threads: until it is given another state, the
// calling thread makes calls as that one. Returns the one it had.
ThreadState exchange_thread_state(const ThreadState& state);
// For such a process as well: asked now and then while a thread waits; if it returns true, the call
// is cancelled, as by a signal. To be set before the first call.
using AskInterrupted = bool (*)();
inline constinit AskInterrupted is_interrupted = nullptr;
// Reports the end of the thread whose state it is, and gives its mailboxes back.
void end_thread_state();

// To be called once, before the first call, and by start_shim only.
void initialize_mailbox_client();
// In the child of a fork: the mailboxes that this thread holds belong to the parent.
void forget_thread_after_fork();

// Whether this thread is in a call on the Descriptor; if so, it asks from a signal handler.
bool in_call_of_this_thread(const Descriptor& descriptor);

// Whether some thread of this process is in a call on it.
bool in_calls(const Descriptor& descriptor);

// Makes calls of this process's other threads return, on a Descriptor that has just been marked closed.
void end_calls(Descriptor& descriptor);

// A mailbox for one call, made through `fd` (-1 for any of the Descriptor's). The caller must hold
// a reference to the Descriptor for longer than this object lives.
class MailboxLease {
 public:
  MailboxLease(Descriptor& descriptor, int fd);
  ~MailboxLease();
  MailboxLease(const MailboxLease&) = delete;
  MailboxLease& operator=(const MailboxLease&) = delete;

  // False if every mailbox is taken.
  explicit operator bool() const { return mailbox_ != nullptr; }
  [[nodiscard]] Mailbox& mailbox() const { return *mailbox_; }
  [[nodiscard]] std::uint32_t index() const { return index_; }

  // Hands the request in the mailbox to the agent and waits. With 0 the response is in the mailbox,
  // and its readiness messages and descriptors have been dealt with. With a negative errno there
  // will be no response.
  int exchange();

  // Hands the request to the agent, which will not respond. The mailbox cannot be used afterwards.
  void post_last();

 private:
  void begin_request(std::uint32_t tid);
  int wait();
  WaitPolicy::Ended look_for(WaitPolicy& waits, std::uint64_t start_ns,
                             std::uint64_t window_ns) const;
  void finish();

  Descriptor& descriptor_;
  int fd_;
  Mailbox* mailbox_ = nullptr;
  std::uint32_t index_ = 0;
  std::uint32_t held_ = 0;  // which of the thread's
  bool lost_ = false;       // the agent may still write to it
};

}  // namespace netbinder
