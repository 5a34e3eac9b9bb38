// SPDX-License-Identifier: Apache-2.0
//
// Freezing a program: all its binder processes refuse synchronous calls and queue oneway ones.
// BINDER_FREEZE can name this host's programs only, but refs on other hosts are notified as well.
// Owned by the Driver.
#pragma once

#include <cstdint>
#include <vector>

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
  // To be called when a call has ended or time has passed: threads that wait for quiet may go on.
  void check_waiters();
  // A thread that waits for quiet ends: the processes that it had frozen are thawed.
  void abandon(Thread& thread);

  // ---- commands about freeze notifications: 0 or a negative errno ----
  Outcome request_notification(Thread& thread, const binder_handle_cookie& request);
  static int clear_notification(Thread& thread, const binder_handle_cookie& request);
  static int notification_done(Thread& thread, std::uint64_t cookie);

 private:
  void notify(Process& process);
  int end_waiting(std::int32_t pid);

  Model& model_;
  Ioctls& ioctls_;
  std::vector<Thread*> waiters_;  // in AwaitingQuiet
};

}  // namespace netbinder
