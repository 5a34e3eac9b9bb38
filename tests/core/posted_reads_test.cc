// SPDX-License-Identifier: Apache-2.0
//
// Posted reads: programs observe the same as if every read had been brought when it was made.
#include <gtest/gtest.h>

#include "core/view/debug_view.h"
#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {
namespace {

using Names = std::vector<std::string>;

class PostedReads : public ::testing::Test {
 protected:
  PostedReads() {
    EXPECT_EQ(server.become_manager(), 0);
    client.greet(1);
  }
  void call() { client.start(next_caller_++, call_, true); }
  // Loopers that have served one call each and come back to wait.
  void make_server_threads(std::uint32_t count) {
    for (std::uint32_t tid = 1; tid <= count; ++tid) {
      server.enter_looper(tid);
      server.start(tid, {}, true);
    }
    for (std::uint32_t tid = 1; tid <= count; ++tid) call();
    for (std::uint32_t tid = 1; tid <= count; ++tid) {
      ASSERT_NE(server.outcome(tid).find(BR_TRANSACTION), nullptr);
      EXPECT_FALSE(may_post(tid)) << "it handles a call";
    }
    for (std::uint32_t tid = 1; tid <= count; ++tid) {
      ASSERT_EQ(reply(tid), Names{"BR_TRANSACTION_COMPLETE"});
    }
  }
  Names reply(std::uint32_t tid) { return server.read(tid, reply_).names(); }
  bool may_post(std::uint32_t tid) { return host.posted.contains({server.id().value(), tid}); }
  bool readable() { return host.readable[server.id().value()]; }

  Cluster cluster;
  Host& host = cluster.host(1);
  Program server{host, 100};
  Program client{host, 200};
  const Payload request_{"request"};
  const Payload answer_{"answer"};
  const Commands call_ = Commands().put(BC_TRANSACTION, request_.call(0, 7));
  const Commands reply_ = Commands().put(BC_REPLY, answer_.call(0, 0));
  std::uint32_t next_caller_ = 1;
};

TEST_F(PostedReads, AreTakenWhenThereIsWork) {
  make_server_threads(1);
  server.post_read(1);
  cluster.settle();  // whose checks know of it
  EXPECT_TRUE(server.blocked(1));
  call();
  EXPECT_EQ(server.outcome(1).names(), Names{"BR_TRANSACTION"});
  EXPECT_FALSE(readable());
}

TEST_F(PostedReads, AreBroughtIfTheyWereNotThereWhenThereWasWork) {
  make_server_threads(1);
  ASSERT_TRUE(may_post(1));
  call();
  EXPECT_FALSE(may_post(1)) << "nobody would look for it";
  EXPECT_TRUE(readable());
  EXPECT_EQ(server.read(1).names(), Names{"BR_TRANSACTION"});
}

TEST_F(PostedReads, CountAsWaitingWhenLoopersAreWanted) {
  make_server_threads(2);
  std::uint32_t max_threads = 5;
  ASSERT_EQ(server.control(9, BINDER_SET_MAX_THREADS, &max_threads), 0);
  server.post_read(1);
  server.post_read(2);
  call();
  EXPECT_EQ(server.outcome(2).names(), Names{"BR_TRANSACTION"}) << "thread 1 waits";
  EXPECT_EQ(reply(2), Names{"BR_TRANSACTION_COMPLETE"});
}

TEST_F(PostedReads, ThatAreNotThereDoNotCountAsWaiting) {
  make_server_threads(2);
  std::uint32_t max_threads = 5;
  ASSERT_EQ(server.control(9, BINDER_SET_MAX_THREADS, &max_threads), 0);
  server.post_read(2);
  call();
  EXPECT_EQ(server.outcome(2).names(), (Names{"BR_SPAWN_LOOPER", "BR_TRANSACTION"}));
  EXPECT_FALSE(may_post(1)) << "it was asked for";
}

TEST_F(PostedReads, TheLatestServes) {
  make_server_threads(2);
  server.post_read(1);
  server.post_read(2);
  call();
  EXPECT_EQ(server.outcome(2).names(), Names{"BR_TRANSACTION"});
  EXPECT_TRUE(server.blocked(1));
  call();
  EXPECT_EQ(server.outcome(1).names(), Names{"BR_TRANSACTION"});
}

TEST_F(PostedReads, OnlyAsManyAsNeededAreTaken) {
  make_server_threads(2);
  server.post_read(1);
  server.post_read(2);
  call();
  EXPECT_EQ(server.outcome(2).names(), Names{"BR_TRANSACTION"});
  EXPECT_TRUE(may_post(1)) << "still posted";
}

TEST_F(PostedReads, EndAtAFlush) {
  make_server_threads(1);
  server.post_read(1);
  host.driver.flush(server.id());
  const Outcome outcome = server.outcome(1);
  EXPECT_EQ(outcome.error, 0);
  EXPECT_TRUE(outcome.names().empty());
}

TEST_F(PostedReads, AFlushBeforeThemEndsThemToo) {
  make_server_threads(1);
  host.driver.flush(server.id());
  EXPECT_FALSE(may_post(1));
  EXPECT_TRUE(server.read(1).names().empty());
}

TEST_F(PostedReads, HearOfDeaths) {
  make_server_threads(1);
  Program third{host, 300};
  third.greet(1);
  const Payload gives = Payload("").add(binder_object(0x10, 0));
  third.start(1, Commands().put(BC_TRANSACTION, gives.call(0, 1)), true);
  const Outcome given = server.read(1);
  ASSERT_NE(given.find(BR_TRANSACTION), nullptr);
  const binder_handle_cookie watch{.handle = 1, .cookie = 0x77};
  server.write(
      1, Commands().put(BC_ACQUIRE, std::uint32_t{1}).put(BC_REQUEST_DEATH_NOTIFICATION, watch));
  EXPECT_EQ(reply(1), Names{"BR_TRANSACTION_COMPLETE"});
  server.post_read(1);
  third.close();
  EXPECT_EQ(server.outcome(1).names(), Names{"BR_DEAD_BINDER"});
}

TEST_F(PostedReads, ViewsShowThemOnceTheyAreTaken) {
  make_server_threads(1);
  server.post_read(1);
  host.driver.take_posted_reads();
  std::size_t waiting = 0;
  for (const ProcessDebugView& process : host.driver.debug_state().processes) {
    waiting += process.waiting_threads;
  }
  EXPECT_EQ(waiting, 1U);
  EXPECT_TRUE(server.blocked(1));
  call();
  EXPECT_EQ(server.outcome(1).names(), Names{"BR_TRANSACTION"});
}

TEST_F(PostedReads, AreForLoopersOnly) {
  make_server_threads(1);
  ASSERT_NE(client.outcome(1).find(BR_REPLY), nullptr);
  EXPECT_FALSE(host.posted.contains({client.id().value(), 1}));
}

TEST_F(PostedReads, GoWithTheirProcess) {
  make_server_threads(1);
  server.post_read(1);
  server.close();
  call();
  EXPECT_NE(client.outcome(next_caller_ - 1).find(BR_DEAD_REPLY), nullptr);
}

TEST_F(PostedReads, GoWithTheirThread) {
  make_server_threads(1);
  ASSERT_EQ(server.control(1, BINDER_THREAD_EXIT, nullptr), 0);
  call();
  EXPECT_TRUE(readable());
  server.enter_looper(2);
  EXPECT_EQ(server.read(2).names(), Names{"BR_TRANSACTION"});
}

}  // namespace
}  // namespace netbinder::testing
