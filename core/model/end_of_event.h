// SPDX-License-Identifier: Apache-2.0
//
// The work that an event leaves for its end: reads to continue, references to nodes of other hosts
// that may be given back, processes whose readiness may have changed. Owned by the Model; empty
// between events. Objects that end are removed from here first.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "core/model/node.h"
#include "core/model/process.h"
#include "core/model/thread.h"

namespace netbinder {

class EndOfEvent {
 public:
  // The thread's read is to go on.
  void run(Thread& thread) {
    if (std::exchange(thread.runnable_, true)) return;
    runnable_.push_back(&thread);
  }
  // It is to be checked again whether a read of the process would find work.
  void touch(Process& process) {
    if (process.touched_ || process.dead()) return;
    process.touched_ = true;
    touched_.push_back(&process);
  }
  // References to an imported node that are not needed any more go back to its home. They wait for
  // the end of the event, since the weak one often follows the strong one.
  void settle(Node& node) {
    if (std::exchange(node.settling_, true)) return;
    settling_.push_back(&node);
  }
  // A process of that program has no call in flight any more.
  void note_calls_ended(std::int32_t pid) {
    if (calls_ended_.empty() || calls_ended_.back() != pid) calls_ended_.push_back(pid);
  }

  void forget(Thread& thread) {
    if (!thread.runnable_) return;
    std::replace(runnable_.begin(), runnable_.end(), &thread, static_cast<Thread*>(nullptr));
  }
  void forget(Process& process) {
    if (!process.touched_) return;
    std::replace(touched_.begin(), touched_.end(), &process, static_cast<Process*>(nullptr));
  }
  void forget(Node& node) {
    if (node.settling_) std::erase(settling_, &node);
  }

  // Does all of this work, in this order, until nothing is left. `quiet` handles the ioctls that
  // wait until a program has no call in flight.
  template <typename GoOn, typename Quiet, typename Settle, typename Look>
  void run_all(GoOn&& go_on, Quiet&& quiet, Settle&& settle, Look&& look) {
    do {
      for (std::size_t i = 0; i < runnable_.size(); ++i) {  // go_on may add to it
        Thread* thread = runnable_[i];
        if (thread == nullptr) continue;
        thread->runnable_ = false;
        if (thread->reading()) go_on(*thread);
      }
      runnable_.clear();
      for (std::size_t i = 0; i < calls_ended_.size(); ++i) quiet(calls_ended_[i]);
      calls_ended_.clear();
    } while (!runnable_.empty());
    while (!settling_.empty()) {
      std::vector<Node*> nodes = std::exchange(settling_, {});
      for (Node* node : nodes) {
        node->settling_ = false;
        if (node->imported()) settle(*node);
      }
    }
    for (Process* process : touched_) {
      if (process == nullptr) continue;
      process->touched_ = false;
      look(*process);
    }
    touched_.clear();
  }

  [[nodiscard]] bool empty() const {
    return runnable_.empty() && touched_.empty() && settling_.empty();
  }

 private:
  std::vector<Thread*> runnable_;
  std::vector<Process*> touched_;
  std::vector<Node*> settling_;
  std::vector<std::int32_t> calls_ended_;  // pids
};

}  // namespace netbinder
