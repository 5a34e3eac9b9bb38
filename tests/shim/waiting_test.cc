// SPDX-License-Identifier: Apache-2.0
#include "shim/waiting.h"

#include <gtest/gtest.h>

namespace netbinder {
namespace {

TEST(WaitHistory, SleepsUntilWaitsAreShort) {
  WaitHistory history;
  std::uint64_t now = 1'000'000'000;
  EXPECT_FALSE(history.should_spin(now));
  for (std::uint32_t i = 0; i < kShortWaitsNeeded; ++i) {
    EXPECT_FALSE(history.should_spin(now));
    history.ended(now, now + kShortSleepNs, false);
    now += kShortSleepNs;
  }
  EXPECT_TRUE(history.should_spin(now));
}

TEST(WaitHistory, LooksAfterTheAgentSoonUnlessItsThreadWaitsLong) {
  WaitHistory history;
  EXPECT_EQ(history.first_health_check_ns(), kFirstHealthCheckNs);
  history.ended(0, kFirstHealthCheckNs, false);
  EXPECT_EQ(history.first_health_check_ns(), kHealthCheckNs);
  for (std::uint32_t i = 1; i < kFewWaits; ++i) {
    history.ended(0, kFirstHealthCheckNs - 1, false);
    EXPECT_EQ(history.first_health_check_ns(), kHealthCheckNs);
  }
  history.ended(0, kFirstHealthCheckNs - 1, false);
  EXPECT_EQ(history.first_health_check_ns(), kFirstHealthCheckNs);
}

class BusyHistory : public testing::Test {
 protected:
  BusyHistory() {
    for (std::uint32_t i = 0; i < kShortWaitsNeeded; ++i) history_.ended(now_, now_ + 1000, false);
    now_ += 1000;
  }
  WaitHistory history_;
  std::uint64_t now_ = 1'000'000'000;
};

TEST_F(BusyHistory, ForgetsAfterAPause) {
  EXPECT_TRUE(history_.should_spin(now_ + kRecentNs - 1));
  EXPECT_FALSE(history_.should_spin(now_ + kRecentNs));
}

TEST_F(BusyHistory, OneLongWaitEndsIt) {
  history_.ended(now_, now_ + kShortSleepNs + 1, false);
  EXPECT_FALSE(history_.should_spin(now_ + kShortSleepNs + 1));
}

TEST_F(BusyHistory, OneVainSpinEndsIt) {
  history_.ended(now_, now_ + kSpinNs + 1, true);
  EXPECT_FALSE(history_.should_spin(now_ + kSpinNs + 1));
}

}  // namespace
}  // namespace netbinder
