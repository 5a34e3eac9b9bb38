// SPDX-License-Identifier: Apache-2.0
//
// The oneway calls of a node: one at a time is queued to its owner or handled, the others wait here
// in order. Part of a node. The turn belongs to the buffer of the call that has it. It ends with
// that buffer, however the buffer ends (Allocation), and nothing else passes it on.
#pragma once

#include "core/base/check.h"
#include "core/model/work.h"

namespace netbinder {

class OnewayQueue {
 public:
  enum class Turn { kNow, kLater };

  // A call has come. kNow: the call has the turn.
  [[nodiscard]] Turn arrive() {
    if (busy_) return Turn::kLater;
    busy_ = true;
    return Turn::kNow;
  }
  void wait(Work& transaction) { waiting_.push_back(transaction); }
  // The call that had the turn is over. Returns the next one, which now has it, or null.
  [[nodiscard]] Work* pass_on() {
    NB_CHECK(busy_);
    if (waiting_.empty()) {
      busy_ = false;
      return nullptr;
    }
    Work& next = waiting_.front();
    waiting_.pop_front();
    return &next;
  }

  [[nodiscard]] bool busy() const { return busy_; }
  [[nodiscard]] TodoList& waiting() { return waiting_; }
  [[nodiscard]] const TodoList& waiting() const { return waiting_; }

 private:
  bool busy_ = false;
  TodoList waiting_;
};

}  // namespace netbinder
