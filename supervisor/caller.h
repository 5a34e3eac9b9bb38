// SPDX-License-Identifier: Apache-2.0
//
// The thread of a supervised program whose system call a worker is answering. The shim's parts that
// the supervisor shares with the preload library make calls for "this program"; here that is the
// caller's, so its memory, descriptors and priority are reached through this.
//
// One for each worker, set while it answers. Thread: the worker.
#pragma once

#include <cstdint>

namespace netbinder::supervisor {

struct Caller {
  int listener = -1;       // of the notifications
  std::uint64_t id = 0;    // of this one
  int tid = 0;             // of the thread, as the supervisor sees it
  int pid = 0;             // of its process
  int pidfd = -1;          // likewise
  int fd = -1;             // the binder descriptor that the call is made on, or -1
  bool compatible = false;  // a 32-bit system call

  // A copy of one of its descriptors; -1 with errno.
  [[nodiscard]] int copy_of(int number) const;
  // Gives it a descriptor of the same file as `file`, under the lowest free number; -1 with errno.
  [[nodiscard]] int install(int file, bool close_on_exec) const;
  // The same in the place of one that it has.
  [[nodiscard]] bool replace(int number, int file, bool close_on_exec) const;
  // Whether it still waits for the answer.
  [[nodiscard]] bool waits() const;
  // Whether a signal is pending for it that it does not block.
  [[nodiscard]] bool has_signal() const;
};

// The one whose call this worker is answering; null between calls.
const Caller* current_caller();

class CallerScope {
 public:
  explicit CallerScope(const Caller& caller);
  ~CallerScope();
  CallerScope(const CallerScope&) = delete;
  CallerScope& operator=(const CallerScope&) = delete;
};

}  // namespace netbinder::supervisor
