// SPDX-License-Identifier: Apache-2.0
#include "transport/log_rate.h"

#include <gtest/gtest.h>

namespace netbinder::log {
namespace {

TEST(LogRate, TakesABurstAndThenOneAfterTheOther) {
  LogRate rate;
  const char one = 0;
  const char other = 0;
  for (std::uint64_t i = 0; i < LogRate::kBurst; ++i) {
    ASSERT_TRUE(rate.admit(&one, 1000).taken);
  }
  EXPECT_FALSE(rate.admit(&one, 1000).taken);
  EXPECT_FALSE(rate.admit(&one, 1000 + LogRate::kIntervalMs - 1).taken);
  EXPECT_TRUE(rate.admit(&other, 1000).taken) << "another kind has its own account";
  const auto next = rate.admit(&one, 1000 + LogRate::kIntervalMs);
  EXPECT_TRUE(next.taken);
  EXPECT_EQ(next.left_out, 2U);
  EXPECT_FALSE(rate.admit(&one, 1000 + LogRate::kIntervalMs).taken);
}

TEST(LogRate, ForgetsAfterAWhileOfQuiet) {
  LogRate rate;
  const char kind = 0;
  for (int i = 0; i < 1000; ++i) (void)rate.admit(&kind, 0);
  const std::uint64_t later = LogRate::kBurst * LogRate::kIntervalMs;
  for (std::uint64_t i = 0; i < LogRate::kBurst; ++i) EXPECT_TRUE(rate.admit(&kind, later).taken);
  EXPECT_FALSE(rate.admit(&kind, later).taken);
}

}  // namespace
}  // namespace netbinder::log
