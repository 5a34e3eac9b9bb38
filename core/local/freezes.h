// SPDX-License-Identifier: Apache-2.0
//
// Freezing a program: all its binder processes refuse synchronous calls and queue oneway ones.
// BINDER_FREEZE can name this host's programs only, but refs on other hosts are notified as well.
// Owned by the Driver.
#pragma once

#include <cstdint>
#include <map>

#include "core/base/uapi.h"
#include "core/model/model.h"

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

  // ---- commands about freeze notifications: 0 or a negative errno ----
  Outcome request_notification(Thread& thread, const binder_handle_cookie& request);
  static int clear_notification(Thread& thread, const binder_handle_cookie& request);
  static int notification_done(Thread& thread, std::uint64_t cookie);

 private:
  void notify(Process& process);
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
};

}  // namespace netbinder
