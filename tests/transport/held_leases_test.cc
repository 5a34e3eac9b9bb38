// SPDX-License-Identifier: Apache-2.0
#include "transport/rdma/held_leases.h"

#include <gtest/gtest.h>

namespace netbinder::rdma {
namespace {

constexpr LeaseUse kCalls{ProcessId(7), false};
constexpr LeaseUse kOneway{ProcessId(7), true};
constexpr std::uint64_t kNow = 1'000'000;

HeldLease lease(std::uint64_t id, std::uint64_t bytes) {
  return {.id = LeaseId(id), .address = 0x1000 * id, .key = RemoteKey(1), .bytes = bytes};
}

PayloadRecipient call_to(std::uint64_t node, bool oneway = false) {
  return {.request = {.recipient = NodeNumber(node), .oneway = oneway}, .caller = {}};
}

TEST(HeldLeases, TheSmallestThatHoldsThePayloadIsTaken) {
  HeldLeases held;
  for (const std::uint64_t bytes : {8192U, 4096U, 65536U, 16384U}) {
    held.add(kCalls, lease(bytes, bytes), kNow);
  }
  EXPECT_EQ(held.take(kCalls, 4097)->id, LeaseId(8192));
  EXPECT_EQ(held.take(kCalls, 4096)->id, LeaseId(4096));
  EXPECT_EQ(held.take(kCalls, 1)->id, LeaseId(16384));
  EXPECT_FALSE(held.take(kCalls, 65537));
  EXPECT_EQ(held.size(), 1U);
}

TEST(HeldLeases, OnewayCallsAndOtherProcessesHaveTheirOwn) {
  HeldLeases held;
  held.add(kCalls, lease(1, 4096), kNow);
  EXPECT_FALSE(held.take(kOneway, 4096));
  EXPECT_FALSE(held.take({ProcessId(8), false}, 4096));
  EXPECT_TRUE(held.take(kCalls, 4096));
}

TEST(HeldLeases, AnAnswerGoesToItsCallerAndACallWhereTheGrantSaid) {
  HeldLeases held;
  EXPECT_FALSE(held.use_of(call_to(5)));
  held.learn(NodeNumber(5), kCalls, kNow);
  EXPECT_EQ(held.use_of(call_to(5)), kCalls);
  EXPECT_EQ(held.use_of(call_to(5, true)), kOneway);
  EXPECT_FALSE(held.use_of(call_to(6)));
  const PayloadRecipient reply{.request = {.recipient = CallId(1)}, .caller = ProcessId(9)};
  EXPECT_EQ(held.use_of(reply), (LeaseUse{ProcessId(9), false}));
  const PayloadRecipient untold{.request = {.recipient = CallId(1)}, .caller = {}};
  EXPECT_FALSE(held.use_of(untold));
}

TEST(HeldLeases, OneMoreIsAskedForOnlyInAStreamAndUpToTheBound) {
  HeldLeases held;
  EXPECT_FALSE(held.ask_ahead(kCalls, kNow)) << "the first payload";
  EXPECT_FALSE(held.ask_ahead(kCalls, kNow + kStreamMs)) << "the second comes too late";
  for (std::size_t i = 0; i < kMaxAhead; ++i) {
    EXPECT_TRUE(held.ask_ahead(kCalls, kNow + kStreamMs + 1));
  }
  EXPECT_FALSE(held.ask_ahead(kCalls, kNow + kStreamMs + 2)) << "as many as may be are asked for";
  held.answered(kCalls);
  held.add(kCalls, lease(1, 4096), kNow + kStreamMs);
  EXPECT_FALSE(held.ask_ahead(kCalls, kNow + kStreamMs + 2)) << "held counts like asked for";
  EXPECT_TRUE(held.take(kCalls, 4096));
  EXPECT_TRUE(held.ask_ahead(kCalls, kNow + kStreamMs + 3)) << "what was used is replaced";
}

TEST(HeldLeases, WhatIsIdleIsTakenOutAndTheRestStays) {
  HeldLeases held;
  held.add(kCalls, lease(1, 4096), kNow);
  held.add(kOneway, lease(2, 4096), kNow + 1);
  EXPECT_TRUE(held.take_idle(kNow + kLeaseIdleMs - 1).empty());
  EXPECT_EQ(held.take_idle(kNow + kLeaseIdleMs), std::vector{LeaseId(1)});
  EXPECT_EQ(held.size(), 1U);
  EXPECT_EQ(held.take_idle(kNow + kLeaseIdleMs + 1), std::vector{LeaseId(2)});
  EXPECT_EQ(held.size(), 0U);
}

TEST(HeldLeases, NoMoreIsRememberedThanTheBound) {
  HeldLeases held;
  for (std::uint64_t i = 1; i <= 3 * kMaxRemembered; ++i) {
    held.learn(NodeNumber(i), {ProcessId(i), false}, kNow);
  }
  EXPECT_FALSE(held.use_of(call_to(1)));
  EXPECT_TRUE(held.use_of(call_to(3 * kMaxRemembered)));
}

}  // namespace
}  // namespace netbinder::rdma
