// SPDX-License-Identifier: Apache-2.0
//
// The identity of this process. Fork copies the shim's memory and vfork shares it, but its entries
// about descriptors are true only in the process that wrote them.
//
// Also the lock for everything that rarely changes. Its holder has all signals blocked, because
// close and dup2 may be called from signal handlers. Any thread.
#pragma once

#include <signal.h>

#include <atomic>
#include <cstdint>

namespace netbinder {

// The other actions at a fork, supplied by files that know of more than this one does.
struct ForkHandlers {
  void (*before)() = nullptr;           // in the parent, with the state lock held
  void (*settle_in_child)() = nullptr;  // in the child, by its only thread
};

// Prepares for fork. To be called once, before the first descriptor is made, by start_shim only.
void initialize_process_state(const ForkHandlers& handlers);

// How many forks lie between the program's first process and this one.
std::uint32_t fork_generation();

// The process id, without a system call.
int process_id();

// Whether this thread shares the memory of another process (vfork): then it must change nothing
// here. Makes a system call.
bool in_vfork_child();

// A bare clone() runs no fork handlers. This notices a process that was made by one, and makes up
// for it. To be called first wherever a binder descriptor is concerned.
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

// Blocks all signals while this object lives.
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
