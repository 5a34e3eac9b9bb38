// SPDX-License-Identifier: Apache-2.0
//
// Freezing a program: all its binder processes refuse synchronous calls and queue oneway ones.
// BINDER_FREEZE can name this host's programs only, but refs on other hosts are notified as well.
// Those who watch the nodes of a process are told in the event that freezes or thaws it. If it has
// many nodes, what is left is told in slices, and other events come in between: the ones who are
// told later read the state that the process has then. Owned by the Driver.
#pragma once

#include <cstdint>
#include <deque>
#include <map>

#include "core/base/uapi.h"
#include "core/model/model.h"
#include "core/model/slice.h"

namespace netbinder {

class Ioctls;

class Freezes {
 public:
  Freezes(Model& model, Ioctls& ioctls) : model_(model), ioctls_(ioctls) {}

  // ---- ioctls ----
  Outcome freeze(Thread& thread, const binder_freeze_info& info);
  int frozen_info(binder_frozen_status_info& info) const;
  // A process of that program has no call in flight any more: threads that wait for it may go on.
  void calls_ended(std::int32_t pid);
  // The same when time has passed.
  void check_waiters();
  // A thread that waits for quiet ends: the processes that it had frozen are thawed.
  void abandon(Thread& thread);

  // ---- telling those who watch ----
  [[nodiscard]] bool has_untold() const { return !telling_.empty(); }
  // Does a slice for one of the processes whose state is not told everywhere; they take turns.
  // There is one.
  void go_on_telling();
  // Its nodes' deaths are all that is told from now on.
  void process_ends(const Process& process);

  // ---- commands about freeze notifications: 0 or a negative errno ----
  Outcome request_notification(Thread& thread, const binder_handle_cookie& request);
  static int clear_notification(Thread& thread, const binder_handle_cookie& request);
  static int notification_done(Thread& thread, std::uint64_t cookie);

 private:
  struct Telling {
    Process* process = nullptr;
    std::uint64_t next_ptr = 0;  // the nodes before it are told
  };
  // Tells of the process's present state, from its first node on.
  void tell(Process& process);
  void tell_some(Telling telling);
  void stop_telling(const Process& process);
  enum class Whom { kAll, kExpired };
  void let_go_on(std::int32_t pid, Whom whom);
  int end_waiting(std::int32_t pid);

  // More threads of one process at a time may not wait: EAGAIN.
  static constexpr std::uint32_t kMaxWaiters = 64;

  Model& model_;
  Ioctls& ioctls_;
  // Threads in AwaitingQuiet, by the program that they wait for; in the order in which they came.
  std::map<std::int32_t, std::map<std::uint64_t, Thread*>> waiters_;
  std::uint64_t next_waiter_ = 1;
  std::deque<Telling> telling_;  // by whose turn it is; a process is in it once at most
};

}  // namespace netbinder
