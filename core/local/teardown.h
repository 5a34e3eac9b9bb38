// SPDX-License-Identifier: Apache-2.0
//
// The ends of threads and processes. Owned by the Driver. The order of a process's end:
//   1. it is dead: nothing is queued to it any more, it is no context's manager, and it is in no
//      view; peers lose the space that they have leased, and payloads that arrive for it. From here
//      on nobody touches the memory of its arena;
//   2. its threads: callers that wait for them read BR_DEAD_REPLY;
//   3. its nodes, by ptr: their deaths are reported; nodes that others refer to stay as dead ones;
//   4. its refs, by handle: the nodes that they held are released;
//   5. the work that is still queued to it: calls among it fail for their callers;
//   6. the buffers of its arena.
// The first two steps are one event, and so is the rest of a small process. What is left of a larger
// one is done in slices, and other events come in between: the process is among the model's ending
// ones, finds its remaining nodes and refs as they are, and does what a dead process does. A call to
// a node of it fails with BR_DEAD_REPLY, before the node has died (with -ESRCH, as for a process
// that has no mapping) as well as afterwards (-EINVAL). This is the kernel's order: there, too,
// close() does not wait for the end, and others come in between.
#pragma once

#include <memory>

#include "core/model/model.h"
#include "core/model/slice.h"

namespace netbinder {

class Freezes;
class Managers;

class Teardown {
 public:
  Teardown(Model& model, Freezes& freezes, Managers& managers)
      : model_(model), freezes_(freezes), managers_(managers) {}

  // Afterwards the caller removes the thread from its process.
  void end(Thread& thread);
  // Ends the process as far as one slice goes; the rest follows by go_on().
  void end(std::unique_ptr<Process> process);
  // Does a slice for one of the ending processes; they take turns. There is one.
  void go_on();

 private:
  void begin(Process& process);
  // True: nothing is left of it.
  bool end_some(Process& process, Slice& slice);
  void end_ioctl(Thread& thread);
  void end_all(TodoList& list);
  bool end_some(TodoList& list, Slice& slice);
  void end(Work& work);

  Model& model_;
  Freezes& freezes_;
  Managers& managers_;
};

}  // namespace netbinder
