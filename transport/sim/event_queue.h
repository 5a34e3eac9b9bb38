// SPDX-License-Identifier: Apache-2.0
//
// Simulated time: the earliest event happens next, and of several at the same time the one that was
// queued first.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

namespace netbinder::sim {

class EventQueue {
 public:
  [[nodiscard]] std::uint64_t now_ms() const { return now_ms_; }
  [[nodiscard]] std::uint64_t events() const { return events_; }

  void at(std::uint64_t ms, std::function<void()> what) {
    queue_.push({ms < now_ms_ ? now_ms_ : ms, next_++, std::move(what)});
  }
  void after(std::uint64_t ms, std::function<void()> what) { at(now_ms_ + ms, std::move(what)); }

  // Runs the next event, if it is due by then; otherwise the time becomes `until_ms`.
  bool run_one(std::uint64_t until_ms) {
    if (queue_.empty() || queue_.top().ms > until_ms) {
      if (now_ms_ < until_ms) now_ms_ = until_ms;
      return false;
    }
    now_ms_ = queue_.top().ms;
    auto what = std::move(const_cast<Event&>(queue_.top()).what);  // it is popped next
    queue_.pop();
    ++events_;
    what();
    return true;
  }

 private:
  struct Event {
    std::uint64_t ms;
    std::uint64_t number;
    std::function<void()> what;
    friend bool operator<(const Event& a, const Event& b) {  // the greatest comes first
      return a.ms != b.ms ? a.ms > b.ms : a.number > b.number;
    }
  };
  std::priority_queue<Event> queue_;
  std::uint64_t now_ms_ = 1000;
  std::uint64_t next_ = 0;
  std::uint64_t events_ = 0;
};

}  // namespace netbinder::sim
