// SPDX-License-Identifier: Apache-2.0
#include "node-agent/look_window.h"

#include <gtest/gtest.h>

#include "channel/wait_policy.h"

namespace netbinder {
namespace {

TEST(LookWindow, IsMeasuredWithinItsBounds) {
  constexpr std::uint64_t kMost = 300'000;
  const LookWindow window(kMost);
  EXPECT_EQ(window.ns(), WaitPolicy::window_ns(window.wake_up_ns(), kMost));
  EXPECT_GE(window.ns(), WaitPolicy::kLeastWindowNs);
  EXPECT_LE(window.ns(), kMost);
}

TEST(LookWindow, MeasuresAgainWhileTheAgentWorks) {
  LookWindow window(300'000);
  for (std::uint64_t s = 1; s < 10; ++s) window.agent_sleeps(s * 1'000'000'000'000'000);
  EXPECT_GE(window.ns(), WaitPolicy::kLeastWindowNs);
  EXPECT_LE(window.ns(), 300'000U);
}

TEST(LookWindow, NobodyLooksIfTheConfigurationSaysSo) {
  LookWindow window(0);
  window.agent_sleeps(1'000'000'000'000);
  EXPECT_EQ(window.ns(), 0U);
  EXPECT_EQ(window.wake_up_ns(), 0U);
}

}  // namespace
}  // namespace netbinder
