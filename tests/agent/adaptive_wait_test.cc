// SPDX-License-Identifier: Apache-2.0
#include "node-agent/adaptive_wait.h"

#include <gtest/gtest.h>

namespace netbinder {
namespace {

constexpr std::uint64_t kWindowNs = 50'000;
constexpr bool kSlept = true;
constexpr bool kLooked = false;

class Waiting : public ::testing::Test {
 protected:
  // The next request comes so long after the last one. Does what the agent's loop does: asks, and
  // sleeps if it is not to look again, or when the window is over. Returns whether it looked in
  // vain.
  bool request_after(std::uint64_t gap_ns) {
    const bool looks = wait_.look_again(now_ns_ + 1);
    const bool in_vain = looks && gap_ns >= kWindowNs;
    if (!looks || in_vain) wait_.sleeps();
    now_ns_ += gap_ns;
    wait_.worked(now_ns_, looks && !in_vain ? kLooked : kSlept);
    return in_vain;
  }
  bool looks() { return wait_.look_again(now_ns_ + 1); }

  AdaptiveWait wait_{kWindowNs};
  std::uint64_t now_ns_ = 1'000'000'000;
};

TEST_F(Waiting, LooksAfterSomeRequestsInARow) {
  request_after(10'000'000);
  for (std::uint32_t i = 0; i < AdaptiveWait::kCloseRequests; ++i) {
    EXPECT_FALSE(looks()) << i;
    request_after(20'000);
  }
  EXPECT_TRUE(looks());
  EXPECT_TRUE(wait_.look_again(now_ns_ + kWindowNs - 1));
  EXPECT_FALSE(wait_.look_again(now_ns_ + kWindowNs)) << "never longer than the window";
}

TEST_F(Waiting, RequestsFarApartAreSleptFor) {
  for (int i = 0; i < 100; ++i) {
    request_after(1'000'000);
    EXPECT_FALSE(looks());
  }
}

TEST_F(Waiting, WakeUpsOnTheWayAreNotHeldAgainstARequest) {
  for (std::uint32_t i = 0; i <= AdaptiveWait::kCloseRequests; ++i) {
    request_after(kWindowNs + AdaptiveWait::kWakeUpsNs - 1);
  }
  EXPECT_TRUE(looks());
}

TEST_F(Waiting, LookingInVainBecomesRare) {
  // Each gap is just too long for looking, but not so long that looking would not be tried.
  int in_vain = 0;
  for (int i = 0; i < 1000; ++i) in_vain += request_after(kWindowNs + 1) ? 1 : 0;
  EXPECT_GT(in_vain, 5);
  EXPECT_LT(in_vain, 20);
}

TEST_F(Waiting, LookingThatHelpsIsTriedSoonerAgain) {
  for (int i = 0; i < 1000; ++i) request_after(kWindowNs + 1);
  for (int i = 0; i < 1000; ++i) request_after(20'000);
  EXPECT_TRUE(looks());
  EXPECT_TRUE(request_after(10'000'000));
  for (std::uint32_t i = 0; i < 2 * AdaptiveWait::kCloseRequests; ++i) request_after(20'000);
  EXPECT_TRUE(looks());
}

TEST(WaitingWithoutAWindow, NeverLooks) {
  AdaptiveWait wait(0);
  for (std::uint64_t now_ns = 1'000'000; now_ns < 1'100'000; now_ns += 1000) {
    wait.worked(now_ns, kSlept);
    EXPECT_FALSE(wait.look_again(now_ns));
  }
}

}  // namespace
}  // namespace netbinder
