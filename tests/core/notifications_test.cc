// SPDX-License-Identifier: Apache-2.0
//
// Death and freeze notifications: who asks for one, what it is told, and how it takes that back.
#include <gtest/gtest.h>

#include <cerrno>

#include "core/view/debug_view.h"
#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {
namespace {

using Names = std::vector<std::string>;

class Notifications : public ::testing::Test {
 protected:
  static constexpr std::int32_t kServerPid = 200;

  void SetUp() override {
    server->greet(1);
    ASSERT_EQ(server->become_manager(), 0);
    client.enter_looper(1);
    client.write(1, Commands().put(BC_ACQUIRE, std::uint32_t{0}));
    freezer.greet(1);
  }
  Outcome say(std::uint32_t command, std::uint64_t cookie, std::uint32_t handle = 0) {
    return client.write(
        1, Commands().put(command, binder_handle_cookie{.handle = handle, .cookie = cookie}));
  }
  int freeze(bool enable) {
    binder_freeze_info info{.pid = kServerPid, .enable = enable, .timeout_ms = 0};
    return freezer.control(1, BINDER_FREEZE, &info);
  }
  // The server's state as reported to the client; fails the test unless the client reads just that.
  binder_frozen_state told_state() {
    const Outcome outcome = client.read_now(1);
    EXPECT_EQ(outcome.names(), Names{"BR_FROZEN_BINDER"});
    const Returned* told = outcome.find(kBrFrozenBinder);
    return told == nullptr ? binder_frozen_state{} : told->as<binder_frozen_state>();
  }

  Cluster cluster;
  Program client{cluster.host(1), 100};
  std::optional<Program> server{std::in_place, cluster.host(1), kServerPid};
  Program freezer{cluster.host(1), 300};
};

TEST_F(Notifications, ADeathIsToldUnlessItsRequestWasTakenBackWithTheSameCookie) {
  say(BC_REQUEST_DEATH_NOTIFICATION, 0x77);
  say(BC_CLEAR_DEATH_NOTIFICATION, 0x78);
  EXPECT_EQ(client.read_now(1).names(), Names{});
  server.reset();
  const Outcome outcome = client.read_now(1);
  ASSERT_EQ(outcome.names(), Names{"BR_DEAD_BINDER"});
  EXPECT_EQ(outcome.find(BR_DEAD_BINDER)->as<std::uint64_t>(), 0x77U);
}

TEST_F(Notifications, ADeathOfBeforeIsToldAtOnce) {
  server.reset();
  say(BC_REQUEST_DEATH_NOTIFICATION, 0x77);
  EXPECT_EQ(client.read_now(1).names(), Names{"BR_DEAD_BINDER"});
}

TEST_F(Notifications, AReadWithoutRoomForOneLeavesItToTheNextThatWaits) {
  say(BC_REQUEST_DEATH_NOTIFICATION, 0x77);
  client.enter_looper(2);
  client.start(2, {}, true);
  client.start(1, {}, true, false, 8);  // the latest is offered the work first
  server.reset();
  ASSERT_FALSE(client.blocked(1));
  EXPECT_EQ(client.outcome(1).names(), Names{});
  ASSERT_FALSE(client.blocked(2));
  EXPECT_EQ(client.outcome(2).names(), Names{"BR_DEAD_BINDER"});
}

TEST_F(Notifications, EachFreezeAndThawIsTold) {
  const auto expect_told = [&](bool frozen) {
    const binder_frozen_state state = told_state();
    EXPECT_EQ(state.cookie, 0x77U);
    EXPECT_EQ(state.is_frozen, frozen ? 1U : 0U);
    client.write(1, Commands().put(kBcFreezeNotificationDone, std::uint64_t{0x77}));
  };
  say(kBcRequestFreezeNotification, 0x77);
  expect_told(false);
  for (const bool frozen : {true, false, true}) {
    EXPECT_EQ(freeze(frozen), 0);
    expect_told(frozen);
  }
}

TEST_F(Notifications, AChangeWhileTheLastOneIsBeingReadIsToldBehindIt) {
  say(kBcRequestFreezeNotification, 0x77);
  EXPECT_EQ(told_state().is_frozen, 0U);
  EXPECT_EQ(freeze(true), 0);
  EXPECT_EQ(client.read_now(1).names(), Names{});
  client.write(1, Commands().put(kBcFreezeNotificationDone, std::uint64_t{0x77}));
  EXPECT_EQ(told_state().is_frozen, 1U);
  client.write(1, Commands().put(kBcFreezeNotificationDone, std::uint64_t{0x77}));
  EXPECT_EQ(client.read_now(1).names(), Names{}) << "and once";
}

TEST_F(Notifications, AFreezeRequestIsTakenBackWithItsCookieOnly) {
  say(kBcRequestFreezeNotification, 0x77);
  (void)told_state();
  client.write(1, Commands().put(kBcFreezeNotificationDone, std::uint64_t{0x77}));
  EXPECT_EQ(say(kBcClearFreezeNotification, 0x78).error, -EINVAL);
  EXPECT_EQ(freeze(true), 0);
  EXPECT_EQ(told_state().is_frozen, 1U);
}

TEST_F(Notifications, ThoseBeingReadEndWithTheirProcess) {
  say(BC_REQUEST_DEATH_NOTIFICATION, 0x77);
  say(kBcRequestFreezeNotification, 0x78);
  (void)told_state();
  server.reset();
  EXPECT_EQ(client.read_now(1).names(), Names{"BR_DEAD_BINDER"});
  say(BC_CLEAR_DEATH_NOTIFICATION, 0x77);
  EXPECT_EQ(say(kBcClearFreezeNotification, 0x78).error, 0);
  const Driver& driver = cluster.host(1).driver;
  EXPECT_EQ(driver.object_counts().deaths.active, 1U);
  EXPECT_EQ(driver.object_counts().freezes.active, 1U);
  client.close();
  EXPECT_EQ(driver.object_counts().deaths.active, 0U);
  EXPECT_EQ(driver.object_counts().freezes.active, 0U);
}

}  // namespace
}  // namespace netbinder::testing
