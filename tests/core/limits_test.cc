// SPDX-License-Identifier: Apache-2.0
//
// The driver's behaviour at its limits (docs/LIMITS.md).
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <vector>

#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {
namespace {

using Names = std::vector<std::string>;

int version(Program& program, std::uint32_t tid) {
  binder_version answer{};
  return program.control(tid, BINDER_VERSION, &answer);
}

void become_manager(Cluster& cluster, Program& program) {
  std::int32_t unused = 0;
  program.host().driver.control(program.id(), ThreadId{1}, BINDER_SET_CONTEXT_MGR,
                                {reinterpret_cast<std::byte*>(&unused), sizeof unused});
  cluster.settle();
  ASSERT_EQ(program.outcome(1).error, 0);
}

TEST(Limits, OneThreadTooManyIsRefusedUntilAnotherExits) {
  Cluster cluster(1, {.threads = 3});
  Program program(cluster.host(1), 100);
  for (const std::uint32_t tid : {1, 2, 3}) EXPECT_EQ(version(program, tid), 0);
  EXPECT_EQ(version(program, 4), -ENOMEM);
  EXPECT_EQ(version(program, 3), 0);
  std::int32_t unused = 0;
  EXPECT_EQ(program.control(3, BINDER_THREAD_EXIT, &unused), 0);
  EXPECT_EQ(version(program, 4), 0);
}

TEST(Limits, OneOpenTooManyIsRefusedUntilAnotherEnds) {
  Cluster cluster(1, {.processes = 2});
  Driver& driver = cluster.host(1).driver;
  const auto first = driver.open("binder", {});
  const auto second = driver.open("binder", {});
  ASSERT_TRUE(first && second);
  const auto third = driver.open("binder", {});
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error(), -EMFILE);
  driver.close(*first);
  const auto fourth = driver.open("binder", {});
  ASSERT_TRUE(fourth);
  driver.close(*second);
  driver.close(*fourth);
}

TEST(Limits, OneNodeTooManyFailsTheCallThatBringsIt) {
  Cluster cluster(2, {.nodes = 2});
  Program manager(cluster.host(1), 100);
  become_manager(cluster, manager);
  for (const std::size_t host : {1, 2}) {
    Program client(cluster.host(host), 200);
    Payload two;
    two.add(binder_object(0x10, 0)).add(binder_object(0x20, 0));
    client.start(1, Commands().put(BC_TRANSACTION, two.call(0, 1, TF_ONE_WAY)), false);
    cluster.settle();
    EXPECT_EQ(client.outcome(1).error, 0);
    Payload third;
    third.add(binder_object(0x30, 0));
    client.start(1, Commands().put(BC_TRANSACTION, third.call(0, 1, TF_ONE_WAY)), true);
    cluster.settle();
    EXPECT_NE(client.outcome(1).find(BR_FAILED_REPLY), nullptr);
    binder_extended_error error{};
    EXPECT_EQ(client.control(1, BINDER_GET_EXTENDED_ERROR, &error), 0);
    EXPECT_EQ(error.param, -ENOMEM);
  }
}

binder_handle_cookie cookie_of(std::uint64_t cookie) { return {.handle = 0, .cookie = cookie}; }

// The target takes each call and frees its buffer, so that nothing but what the caller does not
// read is left.
TEST(Limits, ACallerThatNeverReadsIsRefusedAtTheBoundOfItsUser) {
  Cluster cluster(2, {.of_a_user = {.todos = 3}});
  Program manager(cluster.host(1), 100, "binder", 128 * 1024, 0);
  become_manager(cluster, manager);
  for (const std::size_t host : {1, 2}) {
    Program client(cluster.host(host), 200);
    client.start(1, Commands().put(BC_ACQUIRE, std::uint32_t{0}), false);
    cluster.settle();
    EXPECT_EQ(client.outcome(1).error, 0);
    for (int i = 0; i < 3; ++i) {
      client.start(1, Commands().put(BC_TRANSACTION, Payload("x").call(0, 1, TF_ONE_WAY)), false);
      cluster.settle();
      EXPECT_EQ(client.outcome(1).error, 0);
      const auto call = manager.read(1).find(BR_TRANSACTION)->as<binder_transaction_data>();
      manager.write(1, Commands().put(BC_FREE_BUFFER, binder_uintptr_t{call.data.ptr.buffer}));
      cluster.settle();
    }
    // Another thread is of the same user.
    client.start(2, Commands().put(BC_TRANSACTION, Payload("x").call(0, 1, TF_ONE_WAY)), true);
    cluster.settle();
    EXPECT_EQ(client.outcome(2).names(), Names{"BR_FAILED_REPLY"});
    binder_extended_error error{};
    EXPECT_EQ(client.control(2, BINDER_GET_EXTENDED_ERROR, &error), 0);
    EXPECT_EQ(error.param, -ENOMEM);
    EXPECT_EQ(client.write(2, Commands().put(BC_REQUEST_DEATH_NOTIFICATION, cookie_of(7))).error,
              -ENOMEM);
    EXPECT_EQ(client.read(1).names(), Names(3, "BR_TRANSACTION_COMPLETE"));
    client.start(2, Commands().put(BC_TRANSACTION, Payload("x").call(0, 1, TF_ONE_WAY)), true);
    cluster.settle();
    EXPECT_EQ(client.outcome(2).names(), Names{"BR_TRANSACTION_COMPLETE"});
  }
}

// A program that asks for notifications and takes them back, again and again, reads of none.
TEST(Limits, NotificationsThatAreTakenBackCountUntilThatIsRead) {
  Cluster cluster(1, {.of_a_user = {.todos = 2}});
  Program manager(cluster.host(1), 100, "binder", 128 * 1024, 0);
  become_manager(cluster, manager);
  Program client(cluster.host(1), 200);
  client.greet(1);
  client.write(1, Commands().put(BC_ACQUIRE, std::uint32_t{0}));
  for (const std::uint64_t cookie : {1, 2}) {
    client.write(2, Commands()
                        .put(BC_REQUEST_DEATH_NOTIFICATION, cookie_of(cookie))
                        .put(BC_CLEAR_DEATH_NOTIFICATION, cookie_of(cookie)));
  }
  EXPECT_EQ(client.write(1, Commands().put(kBcRequestFreezeNotification, cookie_of(3))).error,
            -ENOMEM);
  EXPECT_EQ(client.write(1, Commands().put(BC_REQUEST_DEATH_NOTIFICATION, cookie_of(3))).error,
            -ENOMEM);
}

TEST(Limits, APayloadOverTheBoundForAnotherHostFailsAndSmallerOnesGo) {
  Cluster cluster(2, {.message_bytes = 4096});
  Program manager(cluster.host(2), 100);
  become_manager(cluster, manager);
  Program client(cluster.host(1), 200);
  const Payload small(std::string(4096, 's'));
  const Payload large(std::string(4097, 'l'));
  client.start(1, Commands().put(BC_TRANSACTION, large.call(0, 1, TF_ONE_WAY)), true);
  cluster.settle();
  EXPECT_EQ(client.outcome(1).names(), Names{"BR_FAILED_REPLY"});
  binder_extended_error error{};
  EXPECT_EQ(client.control(1, BINDER_GET_EXTENDED_ERROR, &error), 0);
  EXPECT_EQ(error.param, -ENOSPC);
  client.start(1, Commands().put(BC_TRANSACTION, small.call(0, 1, TF_ONE_WAY)), true);
  cluster.settle();
  EXPECT_EQ(client.outcome(1).names(), Names{"BR_TRANSACTION_COMPLETE"});
}

TEST(Limits, TheLogsKeepTheLast32) {
  Cluster cluster;
  Program client(cluster.host(1), 200);
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(client.read(1, Commands().put(BC_TRANSACTION, Payload("x").call(7, 1))).names(),
              Names{"BR_FAILED_REPLY"});
  }
  std::vector<std::uint32_t> ids;
  for (const TransactionLogEntry& entry : cluster.host(1).driver.failed_log().entries()) {
    ids.push_back(entry.debug_id);
  }
  ASSERT_EQ(ids.size(), 32U);
  EXPECT_EQ(ids.back() - ids.front(), 31U) << "the oldest have gone";
}

// A chain of calls through so many processes on two hosts, whose last one calls the first: the
// thread that waits there handles it if the chain is short enough to be told.
void expect_nested_after(std::size_t length, bool nested) {
  Cluster cluster(2, {.threads = 4});
  std::vector<std::unique_ptr<Program>> programs;
  Program manager(cluster.host(1), 50);
  become_manager(cluster, manager);
  manager.enter_looper(1);
  const auto served = [&](Program& program) {
    cluster.settle();
    const Outcome outcome = program.outcome(1);
    const Returned* call = outcome.find(BR_TRANSACTION);
    return call == nullptr ? binder_transaction_data{} : call->as<binder_transaction_data>();
  };
  // Each gives its node to the manager, which gives it to the one before.
  const auto node_of = [&](Program& owner, Program& holder) {
    manager.start(1, {}, true);
    Payload own;
    own.add(binder_object(0x10, 0x10));
    owner.start(1, Commands().put(BC_TRANSACTION, own.call(0, 1)), true);
    const auto put = served(manager);
    flat_binder_object object;
    std::memcpy(&object, manager.at(put.data.ptr.buffer), sizeof object);
    manager.start(1, Commands().put(BC_ACQUIRE, object.handle).put(BC_REPLY, Payload().call(0, 0)),
                  true);
    cluster.settle();
    (void)manager.outcome(1);
    (void)owner.outcome(1);
    owner.write(1, Commands()
                       .put(BC_INCREFS_DONE, binder_ptr_cookie{.ptr = 0x10, .cookie = 0x10})
                       .put(BC_ACQUIRE_DONE, binder_ptr_cookie{.ptr = 0x10, .cookie = 0x10}));
    manager.start(1, {}, true);
    holder.start(1, Commands().put(BC_TRANSACTION, Payload().call(0, 2)), true);
    const auto get = served(manager);
    Payload given;
    given.add(handle_object(object.handle));
    manager.start(1,
                  Commands()
                      .put(BC_REPLY, given.call(0, 0))
                      .put(BC_RELEASE, object.handle)
                      .put(BC_FREE_BUFFER, put.data.ptr.buffer)
                      .put(BC_FREE_BUFFER, get.data.ptr.buffer),
                  true);
    cluster.settle();
    (void)manager.outcome(1);
    const auto reply = holder.outcome(1).find(BR_REPLY)->as<binder_transaction_data>();
    std::memcpy(&object, holder.at(reply.data.ptr.buffer), sizeof object);
    holder.write(
        1, Commands().put(BC_ACQUIRE, object.handle).put(BC_FREE_BUFFER, reply.data.ptr.buffer));
    return object.handle;
  };
  for (std::size_t i = 0; i < length; ++i) {
    programs.push_back(std::make_unique<Program>(
        cluster.host(i % 2 + 1), static_cast<std::int32_t>(100 + i), "binder", 4096));
    programs.back()->enter_looper(1);
  }
  std::vector<std::uint32_t> next;
  for (std::size_t i = 0; i < length; ++i) {
    next.push_back(node_of(*programs[(i + 1) % length], *programs[i]));
  }
  Program& first = *programs.front();
  first.enter_looper(2);
  first.start(2, {}, true);  // who gets the call if it is not nested
  for (std::size_t i = 1; i < length; ++i) programs[i]->start(1, {}, true);
  for (std::size_t i = 0; i < length; ++i) {
    programs[i]->start(1, Commands().put(BC_TRANSACTION, Payload("x").call(next[i], 1)), true);
    cluster.settle();
    if (i + 1 == length) break;
    EXPECT_NE(programs[i + 1]->outcome(1).find(BR_TRANSACTION), nullptr) << i;
  }
  EXPECT_EQ(first.blocked(1), !nested);
  EXPECT_EQ(first.blocked(2), nested);
}

TEST(Limits, AChainOf128CallsComesBackToItsThread) { expect_nested_after(128, true); }

TEST(Limits, AChainOf130CallsComesBackToAnyThread) { expect_nested_after(130, false); }

}  // namespace
}  // namespace netbinder::testing
