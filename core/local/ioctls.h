// SPDX-License-Identifier: Apache-2.0
//
// The beginning and the end of a thread's ioctl. Owned by the Driver.
#pragma once

#include <cstdint>

#include "core/base/ids.h"

namespace netbinder {

class Model;
class Process;
class Thread;

class Ioctls {
 public:
  explicit Ioctls(Model& model) : model_(model) {}

  // The thread of that tid, which is made if it is new; null: there are as many as there may be.
  Thread* thread(Process& process, ThreadId tid);
  // The ioctl is done: `error` is 0 or a negative errno.
  void finish(Thread& thread, int error);

 private:
  Model& model_;
};

}  // namespace netbinder
