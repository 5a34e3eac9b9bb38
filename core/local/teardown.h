// SPDX-License-Identifier: Apache-2.0
//
// The ends of threads and processes. Owned by the Driver. The order of a process's end:
//   1. it is dead: nothing is queued to it any more, and it is no context's manager;
//   2. its threads: callers that wait for them read BR_DEAD_REPLY;
//   3. its nodes: their deaths are reported; nodes that others refer to stay as dead ones;
//   4. its refs: the nodes that they held are released;
//   5. the work that is still queued to it: calls among it fail for their callers;
//   6. the space that peers have leased, payloads that arrive, and the arena with all its buffers.
#pragma once

#include "core/model/model.h"

namespace netbinder {

class Freezes;
class Managers;

class Teardown {
 public:
  Teardown(Model& model, Freezes& freezes, Managers& managers)
      : model_(model), freezes_(freezes), managers_(managers) {}

  // Afterwards the caller removes the thread from its process.
  void end(Thread& thread);
  // Afterwards the caller removes the process from the model.
  void end(Process& process);

 private:
  void end_ioctl(Thread& thread);
  void end_all(TodoList& list);

  Model& model_;
  Freezes& freezes_;
  Managers& managers_;
};

}  // namespace netbinder
