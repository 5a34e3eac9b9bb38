// SPDX-License-Identifier: Apache-2.0
#include "node-agent/look_window.h"

#include <gtest/gtest.h>

#include "channel/wait_policy.h"

namespace netbinder {
namespace {

TEST(LookWindow, IsMeasuredWithinItsBounds) {
  const LookWindow window(std::nullopt);
  EXPECT_GT(window.wake_up_ns(), 0U);
  EXPECT_EQ(window.ns(), WaitPolicy::window_ns(window.wake_up_ns()));
}

TEST(LookWindow, MeasuresAgainWhileTheAgentWorks) {
  LookWindow window(std::nullopt);
  for (std::uint64_t s = 1; s < 10; ++s) window.agent_sleeps(s * 1'000'000'000'000'000);
  EXPECT_GE(window.ns(), WaitPolicy::kLeastWindowNs);
  EXPECT_LE(window.ns(), WaitPolicy::kMostWindowNs);
}

TEST(LookWindow, IsAsTheConfigurationSays) {
  for (const std::uint64_t wanted : {0U, 1'000'000'000U}) {
    LookWindow window(wanted);
    window.agent_sleeps(1'000'000'000'000);
    EXPECT_EQ(window.ns(), wanted);
    EXPECT_EQ(window.wake_up_ns(), 0U);
  }
}

TEST(LookWindow, TheConfigurationMayChange) {
  LookWindow window(7'000);
  window.set_fixed(std::nullopt);
  EXPECT_EQ(window.ns(), WaitPolicy::window_ns(window.wake_up_ns()));
  window.set_fixed(9'000);
  EXPECT_EQ(window.ns(), 9'000U);
}

}  // namespace
}  // namespace netbinder
