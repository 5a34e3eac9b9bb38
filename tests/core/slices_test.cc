// SPDX-License-Identifier: Apache-2.0
//
// Work whose size a program controls is done in slices: the end of a process with many objects, the
// telling that one was frozen, and the making of the debug files. What comes in between finds what
// it would find with the kernel's driver, which does this work beside others', too.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "core/view/debug_collection.h"
#include "core/view/debug_view.h"
#include "core/view/load_collection.h"
#include "core/view/usage_collection.h"
#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {
namespace {

using Names = std::vector<std::string>;

constexpr std::size_t kUnits = 8;
constexpr std::uint32_t kNodes = 30;

// The server has many nodes; the client has a reference to each, and waits for their deaths.
class Slices : public ::testing::Test {
 protected:
  void SetUp() override {
    client.greet(1);
    ASSERT_EQ(client.become_manager(), 0);
    server->greet(1);
    // From the highest to the lowest.
    for (std::uint32_t i = kNodes; i > 0; --i) give(*server, 0x1000 + 16 * i);
  }

  // The server sends one of its nodes, and the client keeps it. Returns the handle.
  std::uint32_t give(Program& from, std::uint64_t ptr) {
    Payload payload;
    payload.add(binder_object(ptr, ptr));
    from.read(1, Commands().put(BC_TRANSACTION, payload.call(0, 1, TF_ONE_WAY)));
    const Outcome got = client.read(1);
    const auto call = got.find(BR_TRANSACTION)->as<binder_transaction_data>();
    flat_binder_object object{};
    std::memcpy(&object, client.at(call.data.ptr.buffer), sizeof object);
    client.write(1, Commands()
                        .put(BC_ACQUIRE, object.handle)
                        .put(BC_REQUEST_DEATH_NOTIFICATION,
                             binder_handle_cookie{.handle = object.handle, .cookie = ptr})
                        .put(BC_FREE_BUFFER, call.data.ptr.buffer));
    return object.handle;
  }
  // The cookies of the deaths that the client can read of now.
  std::vector<std::uint64_t> deaths() {
    std::vector<std::uint64_t> told;
    for (;;) {
      const Outcome outcome = client.read_now(1);
      const Returned* death = outcome.find(BR_DEAD_BINDER);
      if (death == nullptr) return told;
      told.push_back(death->as<std::uint64_t>());
    }
  }
  void finish() {
    while (driver().has_more()) {
      driver().go_on();
      driver().check_invariants();
    }
  }
  Driver& driver() { return cluster.host(1).driver; }

  Cluster cluster{1, Bounds{.slice_units = kUnits}};
  Program client{cluster.host(1), 100};
  std::optional<Program> server{std::in_place, cluster.host(1), 200};
};

TEST_F(Slices, TheEndOfALargeProcessTakesSeveralEventsInTheOrderOfItsNodes) {
  server.reset();
  std::vector<std::uint64_t> told = deaths();
  EXPECT_LE(told.size(), kUnits);
  ASSERT_TRUE(driver().has_more());
  while (driver().has_more()) {
    driver().go_on();
    driver().check_invariants();
    const std::vector<std::uint64_t> more = deaths();
    EXPECT_LE(more.size(), kUnits);
    told.insert(told.end(), more.begin(), more.end());
  }
  ASSERT_EQ(told.size(), kNodes);
  EXPECT_TRUE(std::ranges::is_sorted(told));
  EXPECT_EQ(driver().counts().processes, 1U);
}

TEST_F(Slices, CallsToItFailFromTheFirstEventOn) {
  const std::uint32_t last = give(*server, 0xffff0);
  server.reset();
  ASSERT_TRUE(driver().has_more());
  const auto call = [&] {
    const Outcome outcome =
        client.read(1, Commands().put(BC_TRANSACTION, Payload("hello").call(last, 1)));
    EXPECT_NE(outcome.find(BR_DEAD_REPLY), nullptr);
    binder_extended_error error{};
    EXPECT_EQ(client.control(1, BINDER_GET_EXTENDED_ERROR, &error), 0);
    return error.param;
  };
  EXPECT_EQ(call(), -ESRCH);  // the node has not died yet
  finish();
  (void)deaths();
  EXPECT_EQ(call(), -EINVAL);
}

TEST_F(Slices, WhoWaitsForItsThreadsReadsOfItsEndAtOnce) {
  server->enter_looper(2);
  server->start(2, {}, true);
  const std::uint32_t handle = give(*server, 0x10);
  client.start(1, Commands().put(BC_TRANSACTION, Payload("hello").call(handle, 1)), true);
  ASSERT_TRUE(client.blocked(1) || client.outcome(1).find(BR_DEAD_REPLY) == nullptr);
  if (!client.blocked(1)) client.start(1, {}, true);
  server.reset();
  EXPECT_TRUE(driver().has_more());
  ASSERT_FALSE(client.blocked(1));
  EXPECT_NE(client.outcome(1).find(BR_DEAD_REPLY), nullptr);
}

TEST_F(Slices, CallsThatNoThreadHasTakenFailWithTheRest) {
  const std::uint32_t handle = give(*server, 0x10);
  client.start(1, Commands().put(BC_TRANSACTION, Payload("hello").call(handle, 1)), true);
  server.reset();
  ASSERT_TRUE(driver().has_more());
  finish();
  Outcome last;
  while (!client.blocked(1)) {
    last = client.outcome(1);
    if (last.find(BR_DEAD_REPLY) != nullptr) break;
    client.start(1, {}, true);
  }
  EXPECT_NE(last.find(BR_DEAD_REPLY), nullptr);
}

TEST_F(Slices, OnewayCallsOfANodeEndInSlices) {
  const std::uint32_t handle = give(*server, 0x10);
  for (std::uint32_t i = 0; i < 3 * kUnits; ++i) {
    client.read(1, Commands().put(BC_TRANSACTION, Payload("x").call(handle, 1, TF_ONE_WAY)));
  }
  server.reset();
  EXPECT_GE(driver().counts().transactions, kUnits);
  finish();
  EXPECT_EQ(driver().counts().transactions, 0U);
  EXPECT_EQ(driver().counts().buffers, 0U);
}

TEST_F(Slices, AContextIsFreeAtOnce) {
  Program manager(cluster.host(1), 300, "local");
  manager.greet(1);
  ASSERT_EQ(manager.become_manager(), 0);
  Program user(cluster.host(1), 301, "local");
  user.greet(1);
  Program next(cluster.host(1), 302, "local");
  next.greet(1);
  for (std::uint32_t i = 0; i < 3 * kUnits; ++i) {  // references that it keeps unread
    Payload payload;
    payload.add(binder_object(0x1000 + 16 * i, 1));
    user.read(1, Commands().put(BC_TRANSACTION, payload.call(0, 1, TF_ONE_WAY)));
  }
  EXPECT_EQ(next.become_manager(), -EBUSY);
  manager.close();
  ASSERT_TRUE(driver().has_more());
  EXPECT_EQ(next.become_manager(), 0);
  finish();
  user.close();
  finish();
}

TEST_F(Slices, ItsReferencesAreGivenBackInTheEnd) {
  server->read_now(1);
  client.close();
  ASSERT_TRUE(driver().has_more());
  finish();
  EXPECT_EQ(driver().counts().refs, 0U);
  server.reset();
  finish();
  EXPECT_EQ(driver().counts().nodes, 0U);
}

TEST_F(Slices, EndingProcessesTakeTurns) {
  std::optional<Program> other(std::in_place, cluster.host(1), 300);
  other->greet(1);
  for (std::uint32_t i = 0; i < 2 * kUnits; ++i) give(*other, 0x90000 + 16 * i);
  server.reset();
  other.reset();
  (void)deaths();
  driver().go_on();
  const auto first = deaths();
  driver().go_on();
  const auto second = deaths();
  ASSERT_FALSE(first.empty());
  ASSERT_FALSE(second.empty());
  EXPECT_LT(first.front(), 0x90000U);
  EXPECT_GE(second.front(), 0x90000U);
  finish();
}

TEST_F(Slices, ADebugFileIsMadeInSlicesAndShowsAllOfIt) {
  const DebugState at_once = driver().debug_state();
  DebugCollection collection = driver().collect({});
  int slices = 1;
  while (!collection.go_on()) ++slices;
  EXPECT_GE(slices, static_cast<int>(2 * kNodes / kUnits));
  const DebugState state = collection.take();
  ASSERT_EQ(state.processes.size(), 2U);
  ASSERT_EQ(state.processes.front().nodes.size(), at_once.processes.front().nodes.size());
  EXPECT_EQ(state.processes.front().nodes.size(), kNodes);
  EXPECT_EQ(state.processes.back().refs.size(), kNodes);
  for (std::size_t i = 0; i < kNodes; ++i) {
    EXPECT_EQ(state.processes.back().refs[i].handle, at_once.processes.back().refs[i].handle);
  }
}

TEST_F(Slices, WhatEndsWhileADebugFileIsMadeIsNotInIt) {
  DebugCollection collection = driver().collect({});
  EXPECT_FALSE(collection.go_on());
  server.reset();
  finish();
  while (!collection.go_on()) {
  }
  DebugState state = collection.take();
  EXPECT_LE(state.processes.front().nodes.size(), kUnits);
  EXPECT_EQ(state.processes.back().refs.size(), kNodes);
  EXPECT_EQ(state.dead_nodes.size(), kNodes);
  state.sort_dead_nodes();
  EXPECT_TRUE(std::ranges::is_sorted(state.dead_nodes, std::ranges::greater(),
                                     [](const NodeView& node) { return node.name.debug_id; }));
}

TEST_F(Slices, ThousandsOfCallsThatWaitAreNotAllListed) {
  const std::uint32_t handle = give(*server, 0x10);
  for (std::uint32_t i = 0; i < WorkListView::kMost + 10; ++i) {
    client.read(1, Commands().put(BC_TRANSACTION, Payload("").call(handle, 1, TF_ONE_WAY)));
  }
  const DebugState state = driver().debug_state();
  const NodeView& busy = state.processes.front().nodes.front();
  EXPECT_EQ(busy.async_todo.first.size(), WorkListView::kMost);
  EXPECT_TRUE(busy.async_todo.more);
}

// The client also waits to be told whether the owner of each node is frozen.
class SlicesOfFreezing : public Slices {
 protected:
  void SetUp() override {
    Slices::SetUp();
    for (std::uint32_t handle = 1; handle <= kNodes; ++handle) {
      client.write(1, Commands().put(kBcRequestFreezeNotification,
                                     binder_handle_cookie{.handle = handle, .cookie = handle}));
    }
    ASSERT_EQ(told(), std::vector<bool>(kNodes, false));
  }
  void freeze(bool enable) {
    binder_freeze_info info{.pid = 200, .enable = enable, .timeout_ms = 0};
    ASSERT_EQ(client.control(1, BINDER_FREEZE, &info), 0);
  }
  // Reads and acknowledges all freeze notifications that the client has by now.
  std::vector<bool> told() {
    std::vector<bool> frozen;
    for (;;) {
      const Outcome outcome = client.read_now(1);
      const Returned* state = outcome.find(kBrFrozenBinder);
      if (state == nullptr) return frozen;
      const auto said = state->as<binder_frozen_state>();
      frozen.push_back(said.is_frozen != 0);
      client.write(1, Commands().put(kBcFreezeNotificationDone, said.cookie));
    }
  }
};

TEST_F(SlicesOfFreezing, WatchersOfManyNodesAreToldInSeveralEvents) {
  freeze(true);
  std::vector<bool> all = told();
  EXPECT_LE(all.size(), kUnits / 2);  // a node is a unit, and who watches it another one
  EXPECT_FALSE(all.empty());
  ASSERT_TRUE(driver().has_more());
  while (driver().has_more()) {
    driver().go_on();
    const std::vector<bool> more = told();
    EXPECT_LE(more.size(), kUnits / 2);
    all.insert(all.end(), more.begin(), more.end());
  }
  EXPECT_EQ(all, std::vector<bool>(kNodes, true));
}

TEST_F(SlicesOfFreezing, AThawThatComesBeforeAllWereToldIsWhatTheRestReadOnly) {
  freeze(true);
  const std::vector<bool> first = told();
  EXPECT_EQ(first, std::vector<bool>(first.size(), true));
  freeze(false);
  finish();
  EXPECT_EQ(told(), std::vector<bool>(kNodes, false));
  EXPECT_FALSE(driver().has_more());
}

TEST_F(SlicesOfFreezing, ManyChangesThatAreNotToldYetAreNoMoreWorkThanOne) {
  for (int i = 0; i < 50; ++i) freeze(i % 2 == 0);
  std::size_t slices = 0;
  for (; driver().has_more(); ++slices) driver().go_on();
  EXPECT_LE(slices, kNodes / (kUnits / 2) + 1);
  EXPECT_EQ(told(), std::vector<bool>(kNodes, false));
}

TEST_F(SlicesOfFreezing, OfAnOwnerThatEndsMeanwhileOnlyTheDeathsAreToldFromThenOn) {
  freeze(true);
  server.reset();
  finish();
  std::size_t frozen = 0;
  std::size_t dead = 0;
  for (;;) {
    const Outcome outcome = client.read_now(1);
    const bool tells_freeze = outcome.find(kBrFrozenBinder) != nullptr;
    const bool tells_death = outcome.find(BR_DEAD_BINDER) != nullptr;
    if (!tells_freeze && !tells_death) break;
    frozen += tells_freeze ? 1 : 0;
    dead += tells_death ? 1 : 0;
  }
  EXPECT_LE(frozen, kUnits);
  EXPECT_EQ(dead, kNodes);
}

}  // namespace
}  // namespace netbinder::testing
