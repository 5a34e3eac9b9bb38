// SPDX-License-Identifier: Apache-2.0
//
// A value that takes time to make, for many who want it: a thread of its own makes it anew when
// somebody asks and it is old, and nobody waits longer than he wants to. If it cannot be made any
// more, because whoever is asked for it never answers, the last one stays.
//
// Any thread. The thread is left behind when this ends; so what `make` uses is `make`'s own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace netbinder::tools {

template <typename Value>
class Freshened {
 public:
  using Clock = std::chrono::steady_clock;
  using Made = std::shared_ptr<const Value>;

  Freshened(std::chrono::milliseconds age, std::move_only_function<Value()> make)
      : state_(std::make_shared<State>()) {
    state_->age = age;
    std::thread([state = state_, make = std::move(make)]() mutable { run(*state, make); }).detach();
  }
  ~Freshened() {
    const std::lock_guard lock(state_->mutex);
    state_->ending = true;
    state_->changed.notify_all();
  }
  Freshened(const Freshened&) = delete;
  Freshened& operator=(const Freshened&) = delete;

  // One that is not old, if that can be had in time; otherwise the last one. Null: there is none.
  [[nodiscard]] Made get(std::chrono::milliseconds patience) {
    std::unique_lock lock(state_->mutex);
    if (is_fresh(*state_)) return state_->made;
    state_->wanted = true;
    state_->changed.notify_all();
    (void)state_->changed.wait_for(lock, patience, [this] { return is_fresh(*state_); });
    return state_->made;
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::chrono::milliseconds age{};
    Made made;
    Clock::time_point made_at;
    bool wanted = false;
    bool ending = false;
  };

  static bool is_fresh(const State& state) {
    return state.made != nullptr && Clock::now() - state.made_at < state.age;
  }
  static void run(State& state, std::move_only_function<Value()>& make) {
    std::unique_lock lock(state.mutex);
    for (;;) {
      state.changed.wait(lock, [&] { return state.wanted || state.ending; });
      if (state.ending) return;
      lock.unlock();
      auto made = std::make_shared<const Value>(make());
      lock.lock();
      state.made = std::move(made);
      state.made_at = Clock::now();
      state.wanted = false;  // also for those who have asked meanwhile
      state.changed.notify_all();
    }
  }

  std::shared_ptr<State> state_;
};

}  // namespace netbinder::tools
