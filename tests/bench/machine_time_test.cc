// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/machine_time.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace netbinder::bench {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

std::uint64_t processors_online() {
  return static_cast<std::uint64_t>(::sysconf(_SC_NPROCESSORS_ONLN));
}

// A second in which all processors were idle but for so long.
MachineTime after_busy(std::uint64_t busy_ns) {
  return {.now_ns = kSecondNs,
          .idle_ns = processors_online() * kSecondNs - busy_ns,
          .interrupts_ns = 0,
          .stolen_ns = 0};
}

TEST(MachineTime, WhatTheTurnHasUsedItselfIsNotOfOthers) {
  EXPECT_NEAR(others_percent({}, after_busy(kSecondNs / 2), kSecondNs / 2), 0, 0.01);
  EXPECT_NEAR(others_percent({}, after_busy(kSecondNs / 2), kSecondNs / 4), 25, 0.01);
  EXPECT_DOUBLE_EQ(others_percent({}, after_busy(0), kSecondNs), 0);
}

TEST(MachineTime, InterruptsAndStolenTimeAreNotOfOthers) {
  MachineTime after = after_busy(kSecondNs / 2);
  after.interrupts_ns = kSecondNs / 10;
  after.stolen_ns = kSecondNs / 5;
  EXPECT_NEAR(others_percent({}, after, 0), 20, 0.01);
  EXPECT_NEAR(stolen_percent({}, after), 20.0 / static_cast<double>(processors_online()), 0.01);
}

TEST(MachineTime, CanBeRead) {
  const MachineTime before = MachineTime::read();
  const MachineTime after = MachineTime::read();
  EXPECT_GT(before.idle_ns, 0U);
  EXPECT_GE(after.idle_ns, before.idle_ns);
  EXPECT_GT(after.now_ns, before.now_ns);
}

}  // namespace
}  // namespace netbinder::bench
