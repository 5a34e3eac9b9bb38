// SPDX-License-Identifier: Apache-2.0
#include "tools/calls/clocks.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

#include "tests/calls/made_up_calls.h"

namespace netbinder::tools::testing {
namespace {

TEST(Clocks, TheShortestWaysOfAnyCallsTellTheDifference) {
  MadeUpHost a(1, "a");
  MadeUpHost b(2, "b", 5'000'000);
  add_call(a, b, 1, 10'000, 90'000, 100'000, 110'000);    // slow there, 10 µs back
  add_call(a, b, 2, 200'000, 204'000, 300'000, 400'000);  // 4 µs there, slow back
  const auto clocks = compare_clocks({a.made(), b.made()});
  EXPECT_EQ(clocks[0].offset_ns, 0);
  ASSERT_TRUE(clocks[1].error_ns.has_value());
  EXPECT_EQ(*clocks[1].error_ns, 7'000U) << "half of 4 and 10 µs";
  EXPECT_LE(std::llabs(clocks[1].offset_ns - 5'000'000), 7'000);
}

TEST(Clocks, CallsTheOtherWayCount) {
  MadeUpHost a(1, "a");
  MadeUpHost b(2, "b", -3'000'000'000);
  add_call(b, a, 1, 5'000'000'000, 5'000'002'000, 5'000'010'000, 5'000'012'000);
  const auto clocks = compare_clocks({a.made(), b.made()});
  ASSERT_TRUE(clocks[1].error_ns.has_value());
  EXPECT_EQ(*clocks[1].error_ns, 2'000U);
  EXPECT_EQ(clocks[1].offset_ns, -3'000'000'000);
}

TEST(Clocks, HostsAreComparedThroughOthersByTheBestWay) {
  MadeUpHost a(1, "a");
  MadeUpHost b(2, "b", 1'000'000);
  MadeUpHost c(3, "c", 7'000'000);
  add_call(a, c, 1, 10'000, 510'000, 520'000, 1'020'000);
  add_call(a, b, 2, 2'000'000, 2'001'000, 2'010'000, 2'011'000);
  add_call(b, c, 3, 3'000'000, 3'002'000, 3'010'000, 3'012'000);
  const auto clocks = compare_clocks({a.made(), b.made(), c.made()});
  ASSERT_TRUE(clocks[2].error_ns.has_value());
  EXPECT_EQ(*clocks[2].error_ns, 3'000U) << "through b; straight it would be 500,000";
  EXPECT_EQ(clocks[2].offset_ns, 7'000'000);
}

TEST(Clocks, OnewayCallsTellByTheirAcceptance) {
  MadeUpHost a(1, "a");
  MadeUpHost b(2, "b", 40'000);
  const MadeUpHost::Ends here{.caller_tid = 11, .handler_host = 2, .oneway = true};
  const MadeUpHost::Ends there{.caller_host = 1, .handler_tid = 22, .oneway = true};
  a.add(1, CallPoint::kBegun, 900'000, here).add(1, CallPoint::kSent, 1'000'000, here);
  b.add(1, CallPoint::kArrived, 1'004'000, there).add(1, CallPoint::kQueued, 1'005'000, there);
  a.add(1, CallPoint::kAccepted, 1'009'000, here);
  const auto clocks = compare_clocks({a.made(), b.made()});
  ASSERT_TRUE(clocks[1].error_ns.has_value());
  EXPECT_EQ(*clocks[1].error_ns, 4'000U);
  EXPECT_EQ(clocks[1].offset_ns, 40'000);
}

TEST(Clocks, OneMachineHasOneClock) {
  MadeUpHost a(1, "a");
  MadeUpHost b(2, "b");
  b.made().boot = a.made().boot;
  add_call(a, b, 1, 10'000, 20'000, 30'000, 40'000);
  const auto clocks = compare_clocks({a.made(), b.made()});
  EXPECT_EQ(clocks[1].offset_ns, 0);
  EXPECT_EQ(clocks[1].error_ns, 0U);
}

TEST(Clocks, WithoutCallsNothingIsClaimed) {
  MadeUpHost a(1, "a");
  MadeUpHost b(2, "b", 123);
  a.add(1, CallPoint::kBegun, 1000, {.caller_tid = 1});
  b.add(2, CallPoint::kBegun, 1000, {.caller_tid = 1});
  const std::vector<HostRecording> hosts = {a.made(), b.made()};
  const auto clocks = compare_clocks(hosts);
  EXPECT_FALSE(clocks[1].error_ns.has_value());
  EXPECT_NE(clock_lines(hosts, clocks).front().find("could not be compared"), std::string::npos);
}

}  // namespace
}  // namespace netbinder::tools::testing
