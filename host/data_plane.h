// SPDX-License-Identifier: Apache-2.0
//
// Checks the rule that core, channels and transport of a host run on one thread. A DataPlane is one
// thread's claim to be that thread, for as long as the object lives; classes whose comment says
// "Thread: the data-plane thread" check it where they are entered. While no thread has claimed it
// (tests, the simulator, an agent that is being made or taken apart) any thread will do.
//
// It also knows when the first entry after a sleep was. The event loop cannot see that: it sleeps
// and does the first piece of work in one call.
//
// Owned by the event loop, on its thread's stack.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "core/base/check.h"

namespace netbinder {

class DataPlane {
 public:
  using Clock = std::uint64_t (*)();

  explicit DataPlane(Clock now_ns) : now_ns_(now_ns) {
    NB_CHECK(of_this_thread == nullptr);
    of_this_thread = this;
    claims.fetch_add(1, std::memory_order_relaxed);
  }
  ~DataPlane() {
    claims.fetch_sub(1, std::memory_order_relaxed);
    of_this_thread = nullptr;
  }
  DataPlane(const DataPlane&) = delete;
  DataPlane& operator=(const DataPlane&) = delete;

  // The loop is about to sleep.
  void sleeps() {
    asleep_ = true;
    woken_ns_.reset();
  }
  // The loop has slept. Returns when something was entered first, if anything was.
  std::optional<std::uint64_t> woke() {
    asleep_ = false;
    return woken_ns_;
  }

  // Whether this is the thread. To be called at entries; costs a few instructions.
  static bool entered() {
    DataPlane* const here = of_this_thread;
    if (here == nullptr) return claims.load(std::memory_order_relaxed) == 0;
    if (here->asleep_) [[unlikely]]
      here->wake();
    return true;
  }

 private:
  void wake() {
    asleep_ = false;
    woken_ns_ = now_ns_();
  }

  static inline thread_local DataPlane* of_this_thread = nullptr;
  static inline std::atomic<int> claims = 0;

  Clock now_ns_;
  bool asleep_ = false;
  std::optional<std::uint64_t> woken_ns_;
};

[[nodiscard]] inline bool on_data_plane() { return DataPlane::entered(); }

}  // namespace netbinder

#define NB_ON_DATA_PLANE() NB_CHECK(::netbinder::on_data_plane())
