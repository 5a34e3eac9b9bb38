// SPDX-License-Identifier: Apache-2.0
#include "node-agent/look_window.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "channel/wait_policy.h"
#include "node-agent/clock.h"

namespace netbinder {

namespace {

constexpr std::uint32_t kStop = ~std::uint32_t{0};
// An idle processor sleeps deeper the longer it is idle; this time is enough for a measurement.
constexpr std::chrono::microseconds kAsleepFor(300);
// A wake-up that other threads delayed shows nothing of the machine.
constexpr std::uint64_t kMostBelievedNs = 1'000'000;
constexpr std::uint64_t kMostSpunNs = 200'000;

long futex(std::atomic<std::uint32_t>& word, int operation, std::uint32_t value) {
  return ::syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr, 0);
}

}  // namespace

LookWindow::LookWindow(std::optional<std::uint64_t> fixed_ns) { set_fixed(fixed_ns); }

void LookWindow::set_fixed(std::optional<std::uint64_t> fixed_ns) {
  measures_.store(!fixed_ns, std::memory_order_relaxed);
  ns_.store(fixed_ns.value_or(WaitPolicy::window_ns(wake_up_ns())), std::memory_order_relaxed);
  if (!fixed_ns && !thread_.joinable()) begin();
}

void LookWindow::begin() {
  thread_ = std::thread([this] { sleep_and_measure(); });
  for (std::uint32_t round = 1; round <= kSamples; ++round) {
    move_elsewhere();
    std::this_thread::sleep_for(kAsleepFor);
    wake(round);
    while (!answered(round)) std::this_thread::sleep_for(kAsleepFor);
  }
  measured_ns_ = monotonic_ns();
}

LookWindow::~LookWindow() {
  if (!thread_.joinable()) return;
  wake(kStop);
  thread_.join();
}

// The thread must be on another processor, since the cost of waking another processor is measured.
void LookWindow::move_elsewhere() {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  const int here = ::sched_getcpu();
  if (here < 0 || CPU_COUNT(&allowed) < 2) return;
  for (int step = 1; step < CPU_SETSIZE; ++step) {
    const int cpu = (here + step) % CPU_SETSIZE;
    if (!CPU_ISSET(cpu, &allowed)) continue;
    cpu_set_t elsewhere;
    CPU_ZERO(&elsewhere);
    CPU_SET(cpu, &elsewhere);
    (void)::pthread_setaffinity_np(thread_.native_handle(), sizeof elsewhere, &elsewhere);
    return;
  }
}

void LookWindow::wake(std::uint32_t word) {
  asked_ns_.store(monotonic_ns(), std::memory_order_relaxed);
  word_.store(word, std::memory_order_release);
  futex(word_, FUTEX_WAKE, 1);
  // This thread keeps its processor until then, so that the woken thread is not moved here.
  while (!answered(word) && monotonic_ns() - asked_ns_.load(std::memory_order_relaxed) < kMostSpunNs) {
  }
}

void LookWindow::agent_sleeps(std::uint64_t now_ns) {
  if (!measures_.load(std::memory_order_relaxed) || now_ns - measured_ns_ < kIntervalNs) return;
  measured_ns_ = now_ns;
  move_elsewhere();
  wake(word_.load(std::memory_order_relaxed) + 1);
}

void LookWindow::sleep_and_measure() {
  std::uint32_t seen = 0;
  for (;;) {
    while (word_.load(std::memory_order_acquire) == seen) futex(word_, FUTEX_WAIT, seen);
    seen = word_.load(std::memory_order_acquire);
    if (seen == kStop) return;
    const std::uint64_t now_ns = monotonic_ns();
    add_sample(now_ns - asked_ns_.load(std::memory_order_relaxed));
    answered_.store(seen, std::memory_order_release);
  }
}

// Uses the upper quartile of the last samples: some wake-ups find the processor still awake.
void LookWindow::add_sample(std::uint64_t took_ns) {
  if (took_ns > kMostBelievedNs) return;
  samples_[sample_count_++ % kSamples] = took_ns;
  const std::size_t count = std::min(sample_count_, kSamples);
  auto sorted = samples_;
  const auto quartile = sorted.begin() + static_cast<std::ptrdiff_t>(count * 3 / 4);
  std::nth_element(sorted.begin(), quartile, sorted.begin() + static_cast<std::ptrdiff_t>(count));
  wake_up_ns_.store(*quartile, std::memory_order_relaxed);
  if (measures_.load(std::memory_order_relaxed)) {
    ns_.store(WaitPolicy::window_ns(*quartile), std::memory_order_relaxed);
  }
}

}  // namespace netbinder
