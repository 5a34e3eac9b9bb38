// SPDX-License-Identifier: Apache-2.0
//
// The ends of threads and processes. Owned by the Driver. The order of a process's end:
//   1. it is dead: nothing is queued to it any more, it is no context's manager;
//   2. its threads: callers that wait for them are told BR_DEAD_REPLY;
//   3. its nodes: whoever asked hears of their death; nodes others refer to stay as dead ones;
//   4. its refs: the nodes they held are let go;
//   5. what is still queued to it; calls among it fail at their callers;
//   6. what peers have leased of it, what arrives for it, and its arena with all that is in it.
#pragma once

#include "core/model/model.h"

namespace netbinder {

class Freezes;
class Managers;

class Teardown {
 public:
  Teardown(Model& model, Freezes& freezes, Managers& managers)
      : model_(model), freezes_(freezes), managers_(managers) {}

  // The thread is its process's to remove afterwards.
  void end(Thread& thread);
  // The process is the model's to remove afterwards.
  void end(Process& process);

 private:
  void end_ioctl(Thread& thread);
  void end_all(TodoList& list);

  Model& model_;
  Freezes& freezes_;
  Managers& managers_;
};

}  // namespace netbinder
