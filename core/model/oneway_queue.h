// SPDX-License-Identifier: Apache-2.0
//
// The oneway calls of a node: one at a time is queued to its owner or handled, the others wait here
// in order. Part of a node. The turn belongs to the buffer of the call that has it. It ends with
// that buffer, however the buffer ends (Allocation), and nothing else passes it on.
#pragma once

#include <boost/intrusive/set.hpp>
#include <compare>
#include <cstdint>

#include "core/base/check.h"
#include "core/model/work.h"

namespace netbinder {

// A call that waits and may be replaced by a newer one like it (CallFlags::update). Part of the
// call, and in the queue's index while it waits.
class OnewayUpdate
    : public boost::intrusive::set_base_hook<
          boost::intrusive::link_mode<boost::intrusive::auto_unlink>,
          boost::intrusive::optimize_size<true>> {
 public:
  // Calls with equal ones are like each other.
  struct Key {
    std::uint32_t code = 0;
    std::uint32_t flags = 0;
    std::int32_t from_pid = 0;
    auto operator<=>(const Key&) const = default;
  };
  OnewayUpdate(const Key& key, Work& call) : key_(key), call_(call) {}

  [[nodiscard]] const Key& key() const { return key_; }
  [[nodiscard]] Work& call() const { return call_; }

 private:
  Key key_;
  Work& call_;
};

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
  // It waits, and may be replaced.
  void index(OnewayUpdate& update) { updates_.insert(update); }
  // The oldest call that a new one like it replaces; null: there is none.
  [[nodiscard]] Work* outdated_by(const OnewayUpdate::Key& key) const {
    const auto found = updates_.lower_bound(key);
    return found == updates_.end() || found->key() != key ? nullptr : &found->call();
  }
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
  struct KeyOf {
    using type = OnewayUpdate::Key;
    const type& operator()(const OnewayUpdate& update) const { return update.key(); }
  };
  bool busy_ = false;
  TodoList waiting_;
  boost::intrusive::multiset<OnewayUpdate, boost::intrusive::key_of_value<KeyOf>,
                             boost::intrusive::constant_time_size<false>>
      updates_;
};

}  // namespace netbinder
