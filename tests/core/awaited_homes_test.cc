// SPDX-License-Identifier: Apache-2.0
//
// Handles that arrive before their node's home has connected: hosts 2 and 3 have no session, and
// host 1 passes a node of 3 on to 2.
#include <gmock/gmock.h>

#include <deque>

#include "tests/core/passing_on.h"

namespace netbinder::testing {
namespace {

using ::testing::IsEmpty;

const std::uint64_t kWaitMs = DriverSetup{}.home_wait_ms;

class AwaitedHomes : public PassingOn {
 protected:
  void SetUp() override {
    PassingOn::SetUp();
    cluster_.disconnect(2, 3);
    cluster_.host(2).members = {1, 3};
    pass_on_now();
    second_.greet(2);
    second_.greet(3);
    read_ = second_.read_now(2);
    handle_ = passed_on(read_).handle;
  }
  void pass_on_now() {
    pass_on();
    cluster_.settle();
    (void)manager_.outcome(1);
    (void)manager_.read_now(1);  // that it was queued
  }
  // The second host's program calls what it was given; on a thread that then waits.
  void begin_call(std::uint32_t thread, const char* text) {
    const Payload& payload = waiting_.emplace_back(text);
    second_.start(thread, Commands().put(BC_TRANSACTION, payload.call(handle_, 4, TF_ONE_WAY)),
                  true);
    cluster_.settle();
  }
  void pass_time_until(std::uint64_t now_ms) {
    Driver& driver = cluster_.host(2).driver;
    driver.set_time(now_ms);
    driver.timer_expired();
    cluster_.settle();
  }
  std::string failure() {
    const auto failures = cluster_.host(2).driver.failed_log(Viewer::everything());
    return failures.empty() || failures.back().reason == nullptr ? "" : failures.back().reason;
  }
  // The program is done with what it has read: the next oneway call can come.
  void free_buffer() {
    const auto data = read_.find(BR_TRANSACTION)->as<binder_transaction_data>();
    second_.write(3, Commands().put(BC_FREE_BUFFER, binder_uintptr_t{data.data.ptr.buffer}));
    cluster_.settle();
  }
  void keep_handle() { second_.write(3, Commands().put(BC_ACQUIRE, handle_)); }

  Outcome read_;
  std::uint32_t handle_ = 0;
  std::deque<Payload> waiting_;  // a call that waits reads its payload when it is made
};

TEST_F(AwaitedHomes, CallsWaitForThemAndAreMadeThen) {
  begin_call(2, "hello");
  EXPECT_TRUE(second_.blocked(2));
  EXPECT_THAT(cluster_.host(2).unreachable, IsEmpty());
  pass_time_until(kWaitMs - 1);
  EXPECT_TRUE(second_.blocked(2));

  cluster_.connect(2, 3);
  cluster_.settle();
  EXPECT_NE(second_.outcome(2).find(BR_TRANSACTION_COMPLETE), nullptr);
  third_.greet(2);
  EXPECT_NE(third_.read_now(2).find(BR_TRANSACTION), nullptr);
  EXPECT_EQ(ledger(2, 3).received.front().strong, 1U);
  EXPECT_EQ(cluster_.host(3).driver.counts().handoffs, 0U);
  pass_time_until(2 * kWaitMs);
  EXPECT_EQ(ledger(2, 3).received.size(), 1U) << "its time is no more limited";
}

TEST_F(AwaitedHomes, ThoseThatDoNotComeInTimeLeaveDeadHandlesAndTheReasonInTheLog) {
  const binder_handle_cookie watch{.handle = handle_, .cookie = 0x77};
  second_.write(3, Commands().put(BC_REQUEST_DEATH_NOTIFICATION, watch));
  begin_call(2, "hello");
  pass_time_until(kWaitMs - 1);
  ASSERT_TRUE(second_.blocked(2));
  EXPECT_EQ(cluster_.host(2).earliest_timer_ms, kWaitMs);
  pass_time_until(kWaitMs);
  EXPECT_NE(second_.outcome(2).find(BR_DEAD_REPLY), nullptr);
  EXPECT_EQ(failure(), "its host has not connected in time");
  EXPECT_EQ(cluster_.host(2).unreachable,
            (std::vector<std::pair<std::uint32_t, std::uint32_t>>{{3, 1}}));
  second_.enter_looper(4);
  EXPECT_NE(second_.read_now(4).find(BR_DEAD_BINDER), nullptr);

  // Its session is one as any other then.
  cluster_.connect(2, 3);
  cluster_.settle();
  begin_call(2, "again");
  EXPECT_NE(second_.outcome(2).find(BR_DEAD_REPLY), nullptr);
  EXPECT_THAT(ledger(2, 3).received, IsEmpty());
}

TEST_F(AwaitedHomes, EachHandleIsWaitedForFromWhenItHasCome) {
  keep_handle();
  free_buffer();
  pass_time_until(kWaitMs - 1);
  Payload more("more");
  const std::uint32_t other = introduce(third_, 0x30);
  more.add(handle_object(other));
  manager_.start(1, Commands().put(BC_TRANSACTION, more.call(second_handle_, 2, TF_ONE_WAY)),
                 false);
  cluster_.settle();
  (void)manager_.outcome(1);
  const Outcome given = second_.read_now(3);
  const auto data = given.find(BR_TRANSACTION)->as<binder_transaction_data>();
  flat_binder_object object{};
  std::memcpy(&object, second_.at(data.data.ptr.buffer + more.offsets[0]), sizeof object);

  pass_time_until(kWaitMs);
  begin_call(2, "hello");
  EXPECT_NE(second_.outcome(2).find(BR_DEAD_REPLY), nullptr) << "the first one";
  handle_ = object.handle;
  begin_call(2, "hello");
  EXPECT_TRUE(second_.blocked(2));
  cluster_.connect(2, 3);
  cluster_.settle();
  EXPECT_NE(second_.outcome(2).find(BR_TRANSACTION_COMPLETE), nullptr);
}

// The introducer's host knows the home, but the home does not know the one that passes it on now.
TEST_F(AwaitedHomes, WhatIsPassedOnMeanwhileWaitsToo) {
  Payload back("back");
  back.add(handle_object(handle_));
  second_.start(2, Commands().put(BC_TRANSACTION, back.call(0, 9, TF_ONE_WAY)), true);
  cluster_.settle();
  EXPECT_TRUE(second_.blocked(2));
  cluster_.connect(2, 3);
  cluster_.settle();
  EXPECT_NE(second_.outcome(2).find(BR_TRANSACTION_COMPLETE), nullptr);
  const Outcome read = manager_.read_now(1);
  const auto data = read.find(BR_TRANSACTION)->as<binder_transaction_data>();
  flat_binder_object object{};
  std::memcpy(&object, manager_.at(data.data.ptr.buffer + back.offsets[0]), sizeof object);
  EXPECT_EQ(object.handle, third_handle_) << "the manager has it already";
}

TEST_F(AwaitedHomes, WhatNobodyWantsAnyMoreIsGivenBack) {
  free_buffer();
  EXPECT_EQ(cluster_.host(3).driver.counts().handoffs, 1U);
  cluster_.connect(2, 3);
  cluster_.settle();
  EXPECT_EQ(cluster_.host(3).driver.counts().handoffs, 0U);
  EXPECT_THAT(ledger(2, 3).received, IsEmpty());
  EXPECT_THAT(ledger(3, 2).counted, IsEmpty());
}

TEST_F(AwaitedHomes, AThreadThatWaitsMayEnd) {
  begin_call(2, "hello");
  second_.close();
  cluster_.settle();
  cluster_.connect(2, 3);
  cluster_.settle();
  EXPECT_THAT(ledger(2, 3).received, IsEmpty());
  EXPECT_THAT(ledger(3, 2).counted, IsEmpty());
}

TEST_F(AwaitedHomes, ThoseOfALifeThatIsOverAreDeadWhenTheNextOneConnects) {
  keep_handle();
  free_buffer();
  begin_call(2, "hello");
  cluster_.connect(2, 3, 1);
  EXPECT_NE(second_.outcome(2).find(BR_DEAD_REPLY), nullptr);
  EXPECT_EQ(failure(), "its host's agent has been started again");
  // And what is passed on of it from now on.
  pass_on_now();
  handle_ = passed_on(second_.read_now(3)).handle;
  begin_call(2, "hello");
  EXPECT_NE(second_.outcome(2).find(BR_DEAD_REPLY), nullptr);
  EXPECT_EQ(failure(), "its host's agent has been started again");
}

TEST_F(AwaitedHomes, AsksWhetherItsProgramIsFrozenWhenTheyConnect) {
  const binder_handle_cookie watch{.handle = handle_, .cookie = 0x88};
  second_.start(2, Commands().put(kBcRequestFreezeNotification, watch), true);
  cluster_.settle();
  EXPECT_TRUE(second_.blocked(2));
  cluster_.connect(2, 3);
  cluster_.settle();
  EXPECT_NE(second_.outcome(2).find(kBrFrozenBinder), nullptr) << "as it is now";
}

// Whoever waits when the agent ends is of no concern to anybody: nothing is left.
TEST_F(AwaitedHomes, TheEndOfTheDriverEndsThem) { begin_call(2, "hello"); }

}  // namespace
}  // namespace netbinder::testing
