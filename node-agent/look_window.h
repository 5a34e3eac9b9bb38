// SPDX-License-Identifier: Apache-2.0
//
// The window of WaitPolicy on this machine: how long looking may pay, by the cost of a wake-up. To
// measure it, a thread that does nothing else is put to sleep and woken, several times at the start
// and then once in a while as long as the agent works. An idle agent measures nothing.
//
// Owned by the Agent. Thread: ns() any; the rest the data-plane thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <thread>

namespace netbinder {

class LookWindow {
 public:
  // `fixed_ns` is the configured window: then nothing is measured. 0: no waiter looks. Without it,
  // the constructor takes some milliseconds.
  explicit LookWindow(std::optional<std::uint64_t> fixed_ns);
  ~LookWindow();
  LookWindow(const LookWindow&) = delete;
  LookWindow& operator=(const LookWindow&) = delete;

  [[nodiscard]] std::uint64_t ns() const { return ns_.load(std::memory_order_relaxed); }
  // Uses another configuration from now on.
  void set_fixed(std::optional<std::uint64_t> fixed_ns);
  // The cost of a wake-up, as last measured; 0 if it was not measured.
  [[nodiscard]] std::uint64_t wake_up_ns() const {
    return wake_up_ns_.load(std::memory_order_relaxed);
  }
  // The agent is about to sleep. Measures once more if the last time was long ago.
  void agent_sleeps(std::uint64_t now_ns);

 private:
  static constexpr std::size_t kSamples = 9;
  static constexpr std::uint64_t kIntervalNs = 10'000'000'000;

  void begin();
  void move_elsewhere();
  void wake(std::uint32_t word);
  [[nodiscard]] bool answered(std::uint32_t word) const {
    return answered_.load(std::memory_order_acquire) == word;
  }
  void sleep_and_measure();
  void add_sample(std::uint64_t took_ns);

  std::atomic<bool> measures_ = false;
  std::atomic<std::uint64_t> ns_ = 0;
  std::atomic<std::uint64_t> wake_up_ns_ = 0;
  std::atomic<std::uint64_t> asked_ns_ = 0;
  std::atomic<std::uint32_t> word_ = 0;  // the futex: a number for each wake-up, kStop at the end
  std::atomic<std::uint32_t> answered_ = 0;
  std::uint64_t measured_ns_ = 0;  // when it was last measured
  std::array<std::uint64_t, kSamples> samples_{};  // the measuring thread's
  std::size_t sample_count_ = 0;                   // likewise
  std::thread thread_;
};

}  // namespace netbinder
