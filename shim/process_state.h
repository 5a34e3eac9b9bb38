// SPDX-License-Identifier: Apache-2.0
//
// Which process this is: the shim's memory is copied by fork and shared by vfork, and what it says
// about descriptors is only true in the process that wrote it.
//
// Also the lock for everything that is changed rarely. Its holder has all signals blocked: close
// and dup2 may be called from signal handlers. Any thread.
#pragma once

#include <signal.h>

#include <atomic>
#include <cstdint>

namespace netbinder {

// What else is to be done about a fork, by those who know of more than this file does.
struct ForkHandlers {
  void (*before)() = nullptr;           // in the parent, with the state lock held
  void (*settle_in_child)() = nullptr;  // in the child, by its only thread
};

// Prepares for fork; once, before the first descriptor is made. For start_shim only.
void initialize_process_state(const ForkHandlers& handlers);

// How many forks lie between the program's first process and this one.
std::uint32_t fork_generation();

// The process id, without a system call.
int process_id();

// This thread shares the memory of another process (vfork): it must change nothing here. Makes a
// system call.
bool in_vfork_child();

// A process that was made by a bare clone() has had no fork handlers run; this notices and makes
// up for it. To be called first wherever a binder descriptor is concerned.
void check_fork();

class StateLock {
 public:
  StateLock();
  ~StateLock();
  StateLock(const StateLock&) = delete;
  StateLock& operator=(const StateLock&) = delete;

 private:
  sigset_t signals_;
};

// All signals stay out while this lives.
class SignalsBlocked {
 public:
  SignalsBlocked();
  ~SignalsBlocked();
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t signals_;
};

}  // namespace netbinder
