// SPDX-License-Identifier: Apache-2.0
//
// Waits of recorded lengths, gone through as a waiter would: no clock, no sleep.
#include "channel/wait_policy.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace netbinder {
namespace {

using Ended = WaitPolicy::Ended;

constexpr std::uint64_t kWindowNs = 300'000;
constexpr std::uint64_t kNoPause = 0;

class Waiter {
 public:
  explicit Waiter(std::uint64_t window_ns = kWindowNs) : window_ns_(window_ns) {}

  // Waits once; the awaited event comes after this time.
  void wait(std::uint64_t ns, std::uint64_t pause_ns = kNoPause) {
    if (!policy_.looks(pause_ns, window_ns_)) {
      ++slept_;
      policy_.ended(ns, Ended::kAsleep, window_ns_);
    } else if (ns < window_ns_) {
      ++found_;
      looked_ns_ += ns;
      policy_.ended(ns, Ended::kAwake, window_ns_);
    } else {
      ++in_vain_;
      looked_ns_ += window_ns_;
      policy_.ended(ns, Ended::kLookedInVain, window_ns_);
    }
  }
  void wait_times(int times, std::uint64_t ns, std::uint64_t pause_ns = kNoPause) {
    for (int i = 0; i < times; ++i) wait(ns, pause_ns);
  }
  [[nodiscard]] bool looks() const { return policy_.looks(kNoPause, window_ns_); }
  [[nodiscard]] bool in_a_crowd() const { return policy_.in_a_crowd(); }
  bool look_takes(std::uint64_t ns) { return policy_.crowded(ns, window_ns_); }
  void forget_counts() { slept_ = found_ = in_vain_ = 0, looked_ns_ = 0; }

  [[nodiscard]] int slept() const { return slept_; }
  [[nodiscard]] int found() const { return found_; }
  [[nodiscard]] int in_vain() const { return in_vain_; }
  [[nodiscard]] std::uint64_t looked_ns() const { return looked_ns_; }

 private:
  WaitPolicy policy_;
  std::uint64_t window_ns_;
  int slept_ = 0, found_ = 0, in_vain_ = 0;
  std::uint64_t looked_ns_ = 0;
};

TEST(WaitPolicy, LooksAfterSomeShortWaitsInARow) {
  Waiter waiter;
  waiter.wait_times(WaitPolicy::kShortWaits, 20'000);
  EXPECT_EQ(waiter.slept(), static_cast<int>(WaitPolicy::kShortWaits));
  waiter.wait_times(1000, 20'000);
  EXPECT_EQ(waiter.found(), 1000);
}

TEST(WaitPolicy, SleepsForWhatComesRarely) {
  Waiter waiter;
  waiter.wait_times(1000, 5'000'000);
  EXPECT_EQ(waiter.looked_ns(), 0U);
}

// Calls one in 5 ms: each is a short wait for the reply, and the pause before it is long.
TEST(WaitPolicy, SleepsWhereThePausesAreLong) {
  Waiter waiter;
  waiter.wait_times(1000, 100'000, 5'000'000);
  EXPECT_EQ(waiter.looked_ns(), 0U);
}

// A server of such calls: two short waits follow each long one.
TEST(WaitPolicy, SleepsBetweenSparseBursts) {
  Waiter waiter;
  for (int i = 0; i < 1000; ++i) {
    waiter.wait(5'000'000);
    waiter.wait_times(2, 100'000);
  }
  EXPECT_EQ(waiter.looked_ns(), 0U);
}

TEST(WaitPolicy, WakeUpsOnTheWayAreNotHeldAgainstAWait) {
  Waiter waiter;
  waiter.wait_times(WaitPolicy::kShortWaits, kWindowNs + kWindowNs * 2 / 3 - 1);
  EXPECT_TRUE(waiter.looks());
  Waiter other;
  other.wait_times(1000, kWindowNs + kWindowNs * 2 / 3);
  EXPECT_FALSE(other.looks());
}

TEST(WaitPolicy, LookingInVainBecomesRare) {
  Waiter waiter;
  // Each is just too long for looking, but not so long that looking would not be tried.
  waiter.wait_times(1000, kWindowNs);
  EXPECT_GT(waiter.in_vain(), 5);
  EXPECT_LT(waiter.in_vain(), 20);
}

TEST(WaitPolicy, LookingThatHelpsIsTriedSoonerAgain) {
  Waiter waiter;
  waiter.wait_times(1000, kWindowNs);
  waiter.wait_times(1000, 20'000);
  waiter.wait(10'000'000);
  EXPECT_FALSE(waiter.looks());
  waiter.wait_times(2 * WaitPolicy::kShortWaits, 20'000);
  EXPECT_TRUE(waiter.looks());
}

// One long wait among short ones, as of a client that is interrupted now and then.
TEST(WaitPolicy, MostOfABurstIsLookedFor) {
  Waiter waiter;
  for (int burst = 0; burst < 100; ++burst) {
    waiter.wait(50'000'000);
    waiter.wait_times(1000, 10'000);
  }
  EXPECT_GT(waiter.found(), 98'000);
  EXPECT_LE(waiter.in_vain(), 100);
}

TEST(WaitPolicy, InACrowdItSleeps) {
  Waiter waiter;
  waiter.wait_times(1000, 20'000);
  EXPECT_FALSE(waiter.look_takes(WaitPolicy::kCrowdedNs - 1));
  EXPECT_TRUE(waiter.looks());
  EXPECT_TRUE(waiter.look_takes(WaitPolicy::kCrowdedNs));
  EXPECT_FALSE(waiter.looks());
  waiter.forget_counts();
  waiter.wait_times(4 * static_cast<int>(WaitPolicy::kMaxShortWaits), 20'000);
  EXPECT_EQ(waiter.slept(), 4 * static_cast<int>(WaitPolicy::kMaxShortWaits));
  EXPECT_TRUE(waiter.looks()) << "and tries again";
}

// Another waiter's answer is no reason to give the processor away, if it comes back a slice later.
TEST(WaitPolicy, TheProcessorIsKeptInACrowdUntilItLooksAgain) {
  Waiter waiter;
  EXPECT_FALSE(waiter.in_a_crowd());
  waiter.wait_times(1000, kWindowNs);  // in vain, but nobody else is there
  EXPECT_FALSE(waiter.in_a_crowd());
  EXPECT_TRUE(waiter.look_takes(WaitPolicy::kCrowdedNs));
  EXPECT_TRUE(waiter.in_a_crowd());
  waiter.wait_times(100'000, 20'000);
  EXPECT_TRUE(waiter.looks());
  EXPECT_FALSE(waiter.in_a_crowd());
}

// Whoever configures a long window wants it looked through.
TEST(WaitPolicy, ALongWindowKnowsNoCrowd) {
  Waiter waiter(1'000'000'000);
  waiter.wait_times(1000, 20'000);
  EXPECT_FALSE(waiter.look_takes(50'000'000));
  EXPECT_TRUE(waiter.looks());
}

// With others on every processor, a look costs a slice each time.
TEST(WaitPolicy, InALastingCrowdItSeldomLooks) {
  Waiter waiter;
  int looks = 0;
  for (int i = 0; i < 100'000; ++i) {
    if (waiter.looks()) {
      ++looks;
      EXPECT_TRUE(waiter.look_takes(4'000'000));
    }
    waiter.wait(20'000);
  }
  EXPECT_LT(looks, 30);
}

TEST(WaitPolicy, AfterTheCrowdItLooksAgain) {
  Waiter waiter;
  for (int i = 0; i < 100; ++i) (void)waiter.look_takes(4'000'000);
  waiter.wait_times(static_cast<int>(WaitPolicy::kMaxShortWaitsInACrowd), 20'000);
  waiter.forget_counts();
  waiter.wait_times(1000, 20'000);
  EXPECT_EQ(waiter.found(), 1000);
}

TEST(WaitPolicy, WithoutAWindowItNeverLooks) {
  Waiter waiter(0);
  waiter.wait_times(1000, 1);
  EXPECT_EQ(waiter.slept(), 1000);
}

TEST(WaitPolicy, TheWindowFollowsFromTheWakeUp) {
  EXPECT_EQ(WaitPolicy::window_ns(0), WaitPolicy::kLeastWindowNs);
  EXPECT_EQ(WaitPolicy::window_ns(4'000), WaitPolicy::kLeastWindowNs);
  EXPECT_EQ(WaitPolicy::window_ns(20'000), WaitPolicy::kWakeUpsInWindow * 20'000);
  EXPECT_EQ(WaitPolicy::window_ns(80'000), WaitPolicy::kMostWindowNs);
}

}  // namespace
}  // namespace netbinder
