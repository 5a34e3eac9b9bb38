// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {
namespace {

using Names = std::vector<std::string>;

class Freeze : public ::testing::Test {
 protected:
  static constexpr std::int32_t kServerPid = 200;

  void SetUp() override {
    client.greet(1);
    freezer.greet(1);
    server.enter_looper(1);
    ASSERT_EQ(server.become_manager(), 0);
  }
  void start_freeze(bool enable, std::uint32_t timeout_ms) {
    binder_freeze_info info{.pid = kServerPid, .enable = enable, .timeout_ms = timeout_ms};
    cluster.host(1).driver.control(freezer.id(), ThreadId{1}, BINDER_FREEZE,
                                   {reinterpret_cast<std::byte*>(&info), sizeof info});
  }
  void call(std::uint32_t flags) {
    client.start(1, Commands().put(BC_TRANSACTION, payload.call(0, 1, flags)), true);
  }

  Payload payload{"x"};
  Cluster cluster{1};
  Program client{cluster.host(1), 100};
  Program server{cluster.host(1), kServerPid};
  Program freezer{cluster.host(1), 300};
};

TEST_F(Freeze, WaitsForTheCallInFlightAndThenRefusesOthers) {
  call(0);
  const auto asked = server.read(1).find(BR_TRANSACTION)->as<binder_transaction_data>();
  start_freeze(true, 0);
  EXPECT_EQ(freezer.outcome(1).error, -EAGAIN);
  start_freeze(true, 1000);
  EXPECT_TRUE(freezer.blocked(1));
  server.write(
      1, Commands().put(BC_FREE_BUFFER, asked.data.ptr.buffer).put(BC_REPLY, payload.call(0, 0)));
  EXPECT_EQ(freezer.outcome(1).error, 0);
  EXPECT_EQ(client.outcome(1).names(), (Names{"BR_TRANSACTION_COMPLETE", "BR_REPLY"}));
  call(0);
  EXPECT_EQ(client.outcome(1).names(), Names{"BR_FROZEN_REPLY"});
}

TEST_F(Freeze, NoMoreThan64ThreadsOfAProcessWait) {
  call(0);
  const auto asked = server.read(1).find(BR_TRANSACTION)->as<binder_transaction_data>();
  binder_freeze_info info{.pid = kServerPid, .enable = 1, .timeout_ms = 1000};
  const auto ask = [&](std::uint32_t thread) {
    cluster.host(1).driver.control(freezer.id(), ThreadId{thread}, BINDER_FREEZE,
                                   {reinterpret_cast<std::byte*>(&info), sizeof info});
  };
  for (std::uint32_t thread = 1; thread <= 64; ++thread) ask(thread);
  for (std::uint32_t thread = 1; thread <= 64; ++thread) EXPECT_TRUE(freezer.blocked(thread));
  ask(65);
  EXPECT_EQ(freezer.outcome(65).error, -EAGAIN);
  server.write(
      1, Commands().put(BC_FREE_BUFFER, asked.data.ptr.buffer).put(BC_REPLY, payload.call(0, 0)));
  for (std::uint32_t thread = 1; thread <= 64; ++thread) {
    EXPECT_EQ(freezer.outcome(thread).error, 0);
  }
  call(0);
  EXPECT_EQ(client.outcome(1).names(), (Names{"BR_TRANSACTION_COMPLETE", "BR_REPLY"}));
  ask(65);
  EXPECT_EQ(freezer.outcome(65).error, 0) << "nobody waits any more";
}

TEST_F(Freeze, WaitsUntilEveryQueuedOnewayCallIsRead) {
  for (int i = 0; i < 2; ++i) {
    call(TF_ONE_WAY);
    EXPECT_EQ(client.outcome(1).names(), Names{"BR_TRANSACTION_COMPLETE"});
  }
  const auto first = server.read(1).find(BR_TRANSACTION)->as<binder_transaction_data>();
  server.enter_looper(2);
  server.start(2, {}, true);
  EXPECT_TRUE(server.blocked(2)) << "the second call waits for the first one's buffer";
  start_freeze(true, 1000);
  EXPECT_TRUE(freezer.blocked(1));
  server.write(1, Commands().put(BC_FREE_BUFFER, first.data.ptr.buffer));
  EXPECT_EQ(server.outcome(2).names(), Names{"BR_TRANSACTION"});
  EXPECT_EQ(freezer.outcome(1).error, 0);

  call(0);
  EXPECT_EQ(client.outcome(1).names(), Names{"BR_FROZEN_REPLY"});
  call(TF_ONE_WAY);
  EXPECT_EQ(client.outcome(1).names(), Names{"BR_TRANSACTION_PENDING_FROZEN"});
  binder_frozen_status_info info{.pid = kServerPid, .sync_recv = 9, .async_recv = 9};
  EXPECT_EQ(freezer.control(1, BINDER_GET_FROZEN_INFO, &info), 0);
  EXPECT_EQ(info.sync_recv & 1, 1U);
  EXPECT_EQ(info.async_recv, 1U);
  start_freeze(false, 0);
  EXPECT_EQ(freezer.outcome(1).error, 0);
}

TEST_F(Freeze, ALaterUpdateReplacesTheOneThatWaits) {
  constexpr std::uint32_t kUpdate = TF_ONE_WAY | kTfUpdateTxn;
  const auto send = [&](const char* text, std::uint32_t code, std::uint32_t flags) {
    const Payload told{text};
    client.start(1, Commands().put(BC_TRANSACTION, told.call(0, code, flags)), true);
    client.outcome(1);
  };
  start_freeze(true, 0);
  ASSERT_EQ(freezer.outcome(1).error, 0);
  send("a", 1, kUpdate);  // this one does not wait for another
  send("b", 1, kUpdate);
  send("c", 2, kUpdate);
  send("d", 1, TF_ONE_WAY);
  send("e", 1, kUpdate);  // in the place of b, at the end
  start_freeze(false, 0);
  ASSERT_EQ(freezer.outcome(1).error, 0);
  std::string read;
  for (;;) {
    const Outcome outcome = server.read_now(1);
    const Returned* told = outcome.find(BR_TRANSACTION);
    if (told == nullptr) break;
    const auto data = told->as<binder_transaction_data>();
    read += static_cast<char>(*server.at(data.data.ptr.buffer));
    server.write(1, Commands().put(BC_FREE_BUFFER, binder_uintptr_t{data.data.ptr.buffer}));
  }
  EXPECT_EQ(read, "acde");
}

TEST_F(Freeze, GivesUpWhenTheTimeIsOver) {
  call(TF_ONE_WAY);
  EXPECT_EQ(client.outcome(1).names(), Names{"BR_TRANSACTION_COMPLETE"});
  start_freeze(true, 50);
  cluster.host(1).driver.set_time(49);
  cluster.host(1).driver.timer_expired();
  EXPECT_TRUE(freezer.blocked(1));
  cluster.host(1).driver.set_time(50);
  cluster.host(1).driver.timer_expired();
  EXPECT_EQ(freezer.outcome(1).error, -EAGAIN);
  call(0);
  EXPECT_TRUE(client.blocked(1)) << "it is not frozen";
}

}  // namespace
}  // namespace netbinder::testing
