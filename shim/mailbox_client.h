// SPDX-License-Identifier: Apache-2.0
//
// The program's side of the mailbox protocol (channel/mailbox.h). A thread claims a mailbox of a
// Descriptor at its first call and keeps it for the next ones; it is given back when the thread
// ends.
//
// Safe in signal handlers: a call made in the handler of a signal that interrupted another call
// uses a mailbox of its own, after the interrupted call has been cancelled, as a system call would
// have been.
#pragma once

#include <cstdint>

#include "channel/mailbox.h"
#include "shim/descriptor.h"

namespace netbinder {

// Once, before the first call. For start_shim only.
void initialize_mailbox_client();
// In the child of a fork: what this thread holds belongs to the parent.
void forget_thread_after_fork();

// This thread is in a call on the Descriptor (and so in a signal handler, if it asks).
bool in_call_of_this_thread(const Descriptor& descriptor);

// Some thread is.
bool in_calls(const Descriptor& descriptor);

// Makes the calls of other threads on a Descriptor that has just been marked closed end.
void end_calls(Descriptor& descriptor);

// A mailbox for one call, made through `fd` (or -1: any of the Descriptor's). The caller holds a
// reference to the Descriptor for longer than that.
class MailboxLease {
 public:
  MailboxLease(Descriptor& descriptor, int fd);
  ~MailboxLease();
  MailboxLease(const MailboxLease&) = delete;
  MailboxLease& operator=(const MailboxLease&) = delete;

  // False: every mailbox is taken.
  explicit operator bool() const { return mailbox_ != nullptr; }
  [[nodiscard]] Mailbox& mailbox() const { return *mailbox_; }
  [[nodiscard]] std::uint32_t index() const { return index_; }

  // Hands the request in the mailbox to the agent and waits. 0: the response is in the mailbox, and
  // what it says of readiness messages and descriptors has been done. Otherwise a negative errno:
  // there will be no response.
  int exchange();

  // Hands the request to the agent, which will not respond. The mailbox is used up.
  void post_last();

 private:
  void begin_request(std::uint32_t tid);
  int wait();
  void finish();

  Descriptor& descriptor_;
  int fd_;
  Mailbox* mailbox_ = nullptr;
  std::uint32_t index_ = 0;
  std::uint32_t held_ = 0;  // which of the thread's
  bool lost_ = false;       // the agent may still write to it
};

}  // namespace netbinder
