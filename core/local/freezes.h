// SPDX-License-Identifier: Apache-2.0
//
// Freezing a program: all its binder processes refuse synchronous calls and queue oneway ones.
// BINDER_FREEZE names this host's programs only; refs on other hosts hear of it all the same.
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
  // A call has ended, or time has passed: those that wait for quiet may go on.
  void check_waiters();
  // A thread that waits for quiet goes away; what it had frozen is not.
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
