// SPDX-License-Identifier: Apache-2.0
//
// Counts of calls and of what programs use, as sums over contexts. The server is on the host
// that the placement gives.
#include <gtest/gtest.h>

#include "core/model/call_counts.h"
#include "core/model/context.h"
#include "core/view/usage_collection.h"
#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {
namespace {

using Kind = CallCounts::Kind;
using Way = CallCounts::Way;
using Result = CallCounts::Result;

Usage usage_of(const Driver& driver) {
  UsageCollection collection = driver.collect_usage();
  while (!collection.go_on()) {
  }
  return collection.take();
}

std::uint64_t sum_of(const CallCounts& calls) {
  std::uint64_t sum = 0;
  for (std::size_t kind = 0; kind < CallCounts::kKinds; ++kind) {
    for (std::size_t way = 0; way < CallCounts::kWays; ++way) {
      for (std::size_t result = 0; result < CallCounts::kResults; ++result) {
        sum +=
            calls.of(static_cast<Kind>(kind), static_cast<Way>(way), static_cast<Result>(result));
      }
    }
  }
  return sum;
}

class UsageOf : public ::testing::TestWithParam<std::size_t> {
 protected:
  void SetUp() override {
    server.greet(1);
    flat_binder_object object{};
    server.host().driver.control(server.id(), ThreadId{1}, BINDER_SET_CONTEXT_MGR_EXT,
                                 {reinterpret_cast<std::byte*>(&object), sizeof object});
    cluster.settle();
    ASSERT_EQ(server.outcome(1).error, 0);
    server.enter_looper(1);
    server.start(1, {}, true);
    client.greet(1);
  }
  [[nodiscard]] bool local() const { return GetParam() == 1; }
  CallCounts calls_at(std::size_t host) {
    return usage_of(cluster.host(host).driver).contexts.at("binder").calls;
  }

  Cluster cluster{GetParam()};
  Program client{cluster.host(1), 100};
  Program server{cluster.host(GetParam()), 200};
};

TEST_P(UsageOf, ACallAndItsReplyAreCountedOnEachHostThatTheyPass) {
  const Payload question("what is the answer?");
  client.start(1, Commands().put(BC_TRANSACTION, question.call(0, 7)), true);
  cluster.settle();
  const auto call = server.outcome(1).find(BR_TRANSACTION)->as<binder_transaction_data>();
  Commands answer;
  const Payload reply("42");
  answer.put(BC_FREE_BUFFER, call.data.ptr.buffer).put(BC_REPLY, reply.call(0, 0));
  server.start(1, answer, true);
  cluster.settle();

  const CallCounts here = calls_at(1);
  EXPECT_EQ(here.of(Kind::kCall, local() ? Way::kLocal : Way::kToPeer, Result::kSent), 1U);
  EXPECT_EQ(here.of(Kind::kReply, local() ? Way::kLocal : Way::kFromPeer, Result::kSent), 1U);
  EXPECT_EQ(sum_of(here), 2U);
  if (local()) return;
  const CallCounts there = calls_at(GetParam());
  EXPECT_EQ(there.of(Kind::kCall, Way::kFromPeer, Result::kSent), 1U);
  EXPECT_EQ(there.of(Kind::kReply, Way::kToPeer, Result::kSent), 1U);
  EXPECT_EQ(sum_of(there), 2U);
}

TEST_P(UsageOf, OnewayCallsAreAKindOfTheirOwn) {
  const Payload note("note");
  client.start(1, Commands().put(BC_TRANSACTION, note.call(0, 3, TF_ONE_WAY)), true);
  cluster.settle();
  const CallCounts here = calls_at(1);
  EXPECT_EQ(here.of(Kind::kOneway, local() ? Way::kLocal : Way::kToPeer, Result::kSent), 1U);
  EXPECT_EQ(sum_of(here), 1U);
}

TEST_P(UsageOf, WhatFailsIsCountedByHow) {
  const Payload payload("x");
  // A handle that nobody has given to it.
  client.start(1, Commands().put(BC_TRANSACTION, payload.call(77, 1)), true, true);
  EXPECT_EQ(client.outcome(1).names(), std::vector<std::string>{"BR_FAILED_REPLY"});
  EXPECT_EQ(calls_at(1).of(Kind::kCall, Way::kLocal, Result::kFailed), 1U);
  server.close();
  cluster.settle();
  client.start(1, Commands().put(BC_TRANSACTION, payload.call(0, 1)), true, true);
  EXPECT_EQ(client.outcome(1).names(), std::vector<std::string>{"BR_DEAD_REPLY"});
  EXPECT_EQ(calls_at(1).of(Kind::kCall, Way::kLocal, Result::kDead), 1U);
  EXPECT_EQ(sum_of(calls_at(1)), 2U);
}

TEST_P(UsageOf, SumsAreOfTheProcessesThatThereAre) {
  const ContextUsage before = usage_of(cluster.host(1).driver).contexts.at("binder");
  EXPECT_EQ(before.processes, local() ? 2U : 1U);
  EXPECT_EQ(before.arena_bytes, before.processes * 128 * 1024);
  EXPECT_EQ(before.async_bytes, before.arena_bytes / 2);
  EXPECT_EQ(before.async_free_bytes, before.async_bytes);
  EXPECT_EQ(before.arena_used_bytes, 0U);
  EXPECT_EQ(before.outstanding, 0U);

  const Payload note("note");
  client.start(1, Commands().put(BC_TRANSACTION, note.call(0, 3, TF_ONE_WAY)), true);
  cluster.settle();
  const ContextUsage after = usage_of(cluster.host(GetParam()).driver).contexts.at("binder");
  EXPECT_EQ(after.buffers, 1U);
  EXPECT_GT(after.arena_used_bytes, 0U);
  EXPECT_LT(after.async_free_bytes, after.async_bytes);

  client.close();
  server.close();
  cluster.settle();
  const ContextUsage gone = usage_of(cluster.host(1).driver).contexts.at("binder");
  EXPECT_EQ(gone.processes, 0U);
  EXPECT_EQ(gone.arena_bytes, 0U);
}

INSTANTIATE_TEST_SUITE_P(Placements, UsageOf, ::testing::Values(1, 2));

TEST(UsageOfMany, IsMadeInSlices) {
  Cluster cluster{1, Bounds{.slice_units = 4}};
  std::vector<std::unique_ptr<Program>> programs;
  for (int i = 0; i < 20; ++i) {
    programs.push_back(std::make_unique<Program>(cluster.host(1), 100 + i));
  }
  UsageCollection collection = cluster.host(1).driver.collect_usage();
  std::size_t slices = 1;
  while (!collection.go_on()) {
    // Those that end before their turn are missing.
    if (slices == 2) programs.clear();
    ++slices;
  }
  EXPECT_GE(slices, 3U);
  EXPECT_LT(collection.take().contexts.at("binder").processes, 20U);
}

TEST(LogsOfCalls, NameNoContextThatIsNoMore) {
  Cluster cluster{1};
  Driver& driver = cluster.host(1).driver;
  ASSERT_EQ(driver.add_context({.name = "extra", .cluster_wide = false}), 0);
  {
    Program program(cluster.host(1), 100, "extra");
    program.greet(1);
    const Payload payload("x");
    program.start(1, Commands().put(BC_TRANSACTION, payload.call(77, 1)), true, true);
    (void)program.outcome(1);
  }
  ASSERT_EQ(driver.log().entries().back().context->name(), "extra");
  ASSERT_EQ(driver.remove_context("extra"), 0);
  EXPECT_EQ(driver.log().entries().back().context, nullptr);
  EXPECT_EQ(driver.failed_log().entries().back().context, nullptr);
}

}  // namespace
}  // namespace netbinder::testing
