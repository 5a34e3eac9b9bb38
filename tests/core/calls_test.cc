// SPDX-License-Identifier: Apache-2.0
//
// Calls, references and deaths, each on one host and between two. A case's client is on host 1, its
// server on the host that the placement gives.
#include <gtest/gtest.h>

#include <cerrno>

#include "core/view/debug_view.h"
#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {
namespace {

using Names = std::vector<std::string>;

class Calls : public ::testing::TestWithParam<std::size_t> {
 protected:
  // The manager, a server thread 1 in its looper, blocked in a read; and a client.
  void SetUp() override {
    ASSERT_EQ(start_manager(), 0);
    client.greet(1);
  }
  int start_manager() {
    server.greet(1);
    flat_binder_object object{};
    server.host().driver.control(server.id(), ThreadId{1}, BINDER_SET_CONTEXT_MGR_EXT,
                                 {reinterpret_cast<std::byte*>(&object), sizeof object});
    cluster.settle();
    const int error = server.outcome(1).error;
    server.enter_looper(1);
    server.start(1, {}, true);
    return error;
  }
  std::size_t server_host() const { return GetParam(); }

  // The transaction that the server reads next.
  binder_transaction_data served() {
    cluster.settle();
    const Outcome outcome = server.outcome(1);
    const Returned* call = outcome.find(BR_TRANSACTION);
    EXPECT_NE(call, nullptr);
    return call == nullptr ? binder_transaction_data{} : call->as<binder_transaction_data>();
  }
  // The server answers with a payload and waits for the next call.
  void answer(const binder_transaction_data& call, const Payload& reply) {
    Commands commands;
    commands.put(BC_FREE_BUFFER, call.data.ptr.buffer);
    commands.put(BC_REPLY, reply.call(0, 0));
    EXPECT_EQ(server.read(1, commands).names(), Names{"BR_TRANSACTION_COMPLETE"});
    server.start(1, {}, true);
    cluster.settle();
  }
  // The client's call of handle 0, answered with an object: its handle in the client.
  std::uint32_t obtain(std::uint64_t ptr, std::uint64_t cookie) {
    return obtain_for(client, ptr, cookie);
  }
  std::uint32_t obtain_for(Program& program, std::uint64_t ptr, std::uint64_t cookie) {
    const Payload empty;
    program.start(1, Commands().put(BC_TRANSACTION, empty.call(0, 1)), true);
    const auto call = served();
    Payload reply;
    reply.add(binder_object(ptr, cookie));
    Commands commands;
    commands.put(BC_FREE_BUFFER, call.data.ptr.buffer);
    commands.put(BC_REPLY, reply.call(0, 0));
    const Outcome said = server.read(1, commands);
    EXPECT_EQ(said.names(), (Names{"BR_INCREFS", "BR_ACQUIRE", "BR_TRANSACTION_COMPLETE"}));
    const binder_ptr_cookie who{.ptr = ptr, .cookie = cookie};
    server.start(1, Commands().put(BC_INCREFS_DONE, who).put(BC_ACQUIRE_DONE, who), true);
    cluster.settle();
    const auto data = program.outcome(1).find(BR_REPLY)->as<binder_transaction_data>();
    flat_binder_object object;
    std::memcpy(&object, program.at(data.data.ptr.buffer), sizeof object);
    EXPECT_EQ(object.hdr.type, BINDER_TYPE_HANDLE);
    const std::uint32_t handle = object.handle;
    program.write(1, Commands().put(BC_ACQUIRE, handle).put(BC_FREE_BUFFER, data.data.ptr.buffer));
    cluster.settle();
    return handle;
  }
  void expect_nothing_left() {
    client.close();
    server.close();
    cluster.settle();
    for (std::size_t number : {std::size_t{1}, server_host()}) {
      const Driver::Counts counts = cluster.host(number).driver.counts();
      EXPECT_EQ(counts.processes, 0U);
      EXPECT_EQ(counts.nodes, 0U) << "host " << number;
      EXPECT_EQ(counts.refs, 0U) << "host " << number;
      EXPECT_EQ(counts.transactions, 0U) << "host " << number;
      EXPECT_EQ(counts.deaths, 0U) << "host " << number;
    }
  }

  Cluster cluster{GetParam()};
  Program client{cluster.host(1), 100};
  Program server{cluster.host(GetParam()), 200};
};

TEST_P(Calls, ASynchronousCallBringsItsBytesAndItsReply) {
  const Payload question("what is the answer?");
  client.start(1, Commands().put(BC_TRANSACTION, question.call(0, 7)), true);
  const auto call = served();
  EXPECT_EQ(call.code, 7U);
  EXPECT_EQ(call.data_size, question.data.size());
  EXPECT_EQ(
      std::memcmp(server.at(call.data.ptr.buffer), question.data.data(), question.data.size()), 0);
  EXPECT_EQ(call.sender_pid, server_host() == 1 ? 100 : 0);
  EXPECT_EQ(call.sender_euid, 1000U);
  EXPECT_TRUE(client.blocked(1));
  answer(call, Payload("42"));
  const Outcome outcome = client.outcome(1);
  EXPECT_EQ(outcome.names(), (Names{"BR_TRANSACTION_COMPLETE", "BR_REPLY"}));
  const auto reply = outcome.find(BR_REPLY)->as<binder_transaction_data>();
  EXPECT_EQ(std::memcmp(client.at(reply.data.ptr.buffer), "42", 2), 0);
  client.write(1, Commands().put(BC_FREE_BUFFER, reply.data.ptr.buffer));
  expect_nothing_left();
}

TEST_P(Calls, AOnewayCallIsCompleteWhenItIsInTheTargetsQueue) {
  const Payload note("note");
  client.start(1, Commands().put(BC_TRANSACTION, note.call(0, 3, TF_ONE_WAY)), true);
  const auto call = served();
  EXPECT_EQ(call.flags, static_cast<std::uint32_t>(TF_ONE_WAY));
  EXPECT_EQ(call.sender_pid, 0);
  EXPECT_EQ(client.outcome(1).names(), Names{"BR_TRANSACTION_COMPLETE"});
  expect_nothing_left();
}

TEST_P(Calls, OnewayCallsOfANodeWaitForEachOther) {
  for (std::uint32_t i = 0; i < 3; ++i) {
    const Payload note("n" + std::to_string(i));
    client.start(1, Commands().put(BC_TRANSACTION, note.call(0, i, TF_ONE_WAY)), true);
    cluster.settle();
    EXPECT_EQ(client.outcome(1).names(), Names{"BR_TRANSACTION_COMPLETE"});
  }
  for (std::uint32_t i = 0; i < 3; ++i) {
    const auto call = served();
    EXPECT_EQ(call.code, i);
    server.start(1, {}, true, false);
    cluster.settle();
    EXPECT_TRUE(server.blocked(1)) << "the next one came before this one's buffer was freed";
    server.host().driver.interrupt(server.id(), ThreadId{1});
    EXPECT_EQ(server.outcome(1).error, -EINTR);
    server.start(1, Commands().put(BC_FREE_BUFFER, call.data.ptr.buffer), true);
  }
  expect_nothing_left();
}

TEST_P(Calls, AnObjectBecomesAHandleAndItsOwnerHoldsItWhileTheHandleLives) {
  const std::uint32_t handle = obtain(0x1000, 0x2000);
  EXPECT_EQ(handle, 1U);
  client.write(1, Commands().put(BC_RELEASE, handle));
  cluster.settle();
  EXPECT_EQ(server.outcome(1).names(), (Names{"BR_RELEASE", "BR_DECREFS"}));
  expect_nothing_left();
}

TEST_P(Calls, AStrongReferenceGoesBeforeTheWeakOne) {
  const std::uint32_t handle = obtain(0x10, 0x20);
  client.write(1, Commands().put(BC_INCREFS, handle).put(BC_RELEASE, handle));
  cluster.settle();
  EXPECT_EQ(server.outcome(1).names(), Names{"BR_RELEASE"});
  server.start(1, {}, true);
  client.write(1, Commands().put(BC_DECREFS, handle));
  cluster.settle();
  EXPECT_EQ(server.outcome(1).names(), Names{"BR_DECREFS"});
  expect_nothing_left();
}

TEST_P(Calls, AnAcknowledgementWithAnotherCookieIsNone) {
  Payload introduction;
  introduction.add(binder_object(0x10, 0x20));
  client.start(1, Commands().put(BC_TRANSACTION, introduction.call(0, 1, TF_ONE_WAY)), true);
  const auto call = served();
  EXPECT_EQ(client.outcome(1).names(),
            (Names{"BR_INCREFS", "BR_ACQUIRE", "BR_TRANSACTION_COMPLETE"}));
  const binder_ptr_cookie other{.ptr = 0x10, .cookie = 0x21};
  client.write(1, Commands().put(BC_INCREFS_DONE, other).put(BC_ACQUIRE_DONE, other));
  server.write(1, Commands().put(BC_FREE_BUFFER, binder_uintptr_t{call.data.ptr.buffer}));
  cluster.settle();
  EXPECT_EQ(client.read_now(1).names(), Names{}) << "it is still to acknowledge them";
  const binder_ptr_cookie it{.ptr = 0x10, .cookie = 0x20};
  client.write(1, Commands().put(BC_INCREFS_DONE, it).put(BC_ACQUIRE_DONE, it));
  EXPECT_EQ(client.read_now(1).names(), (Names{"BR_RELEASE", "BR_DECREFS"}));
  expect_nothing_left();
}

TEST_P(Calls, TheSameObjectIsTheSameHandle) {
  const std::uint32_t first = obtain(0x1000, 0x2000);
  const Payload empty;
  client.start(1, Commands().put(BC_TRANSACTION, empty.call(0, 1)), true);
  const auto call = served();
  Payload reply;
  reply.add(binder_object(0x1000, 0x2000));
  answer(call, reply);
  const auto data = client.outcome(1).find(BR_REPLY)->as<binder_transaction_data>();
  flat_binder_object object;
  std::memcpy(&object, client.at(data.data.ptr.buffer), sizeof object);
  EXPECT_EQ(object.handle, first);
  expect_nothing_left();
}

TEST_P(Calls, AHandleThatComesHomeIsTheBinderAgain) {
  const std::uint32_t handle = obtain(0x1000, 0x2000);
  Payload payload;
  payload.add(handle_object(handle));
  client.start(1, Commands().put(BC_TRANSACTION, payload.call(0, 2)), true);
  const auto call = served();
  flat_binder_object object;
  std::memcpy(&object, server.at(call.data.ptr.buffer), sizeof object);
  EXPECT_EQ(object.hdr.type, BINDER_TYPE_BINDER);
  EXPECT_EQ(object.binder, 0x1000U);
  EXPECT_EQ(object.cookie, 0x2000U);
  answer(call, Payload());
  expect_nothing_left();
}

TEST_P(Calls, ACallBackRunsOnTheThreadThatWaits) {
  Payload payload;
  payload.add(binder_object(0x30, 0x40));
  client.start(1, Commands().put(BC_TRANSACTION, payload.call(0, 1)), true);
  const auto call = served();
  flat_binder_object object;
  std::memcpy(&object, server.at(call.data.ptr.buffer), sizeof object);
  ASSERT_EQ(object.hdr.type, BINDER_TYPE_HANDLE);
  const Payload question("nested");
  server.start(1, Commands().put(BC_TRANSACTION, question.call(object.handle, 9)), true);
  cluster.settle();
  const Outcome nested = client.outcome(1);
  EXPECT_EQ(nested.names(),
            (Names{"BR_INCREFS", "BR_ACQUIRE", "BR_TRANSACTION_COMPLETE", "BR_TRANSACTION"}));
  const auto inner = nested.find(BR_TRANSACTION)->as<binder_transaction_data>();
  EXPECT_EQ(inner.target.ptr, 0x30U);
  client.start(1,
               Commands()
                   .put(BC_FREE_BUFFER, inner.data.ptr.buffer)
                   .put(BC_REPLY, Payload("inner").call(0, 0)),
               true);
  cluster.settle();
  EXPECT_EQ(client.outcome(1).names(), Names{"BR_TRANSACTION_COMPLETE"});
  client.start(1, {}, true);
  EXPECT_EQ(server.outcome(1).names(), (Names{"BR_TRANSACTION_COMPLETE", "BR_REPLY"}));
  server.start(1, Commands().put(BC_REPLY, Payload("outer").call(0, 0)), true);
  cluster.settle();
  EXPECT_EQ(client.outcome(1).names(), Names{"BR_REPLY"});
  expect_nothing_left();
}

TEST_P(Calls, TheDeathOfTheServerEndsTheCallAndIsTold) {
  const std::uint32_t handle = obtain(0x1000, 0x2000);
  client.write(1, Commands().put(BC_REQUEST_DEATH_NOTIFICATION,
                                 binder_handle_cookie{.handle = handle, .cookie = 77}));
  client.start(1, Commands().put(BC_TRANSACTION, Payload("x").call(handle, 5)), true);
  (void)served();
  server.close();
  cluster.settle();
  EXPECT_EQ(client.outcome(1).names(), (Names{"BR_TRANSACTION_COMPLETE", "BR_DEAD_REPLY"}));
  const Outcome death = client.read(1);
  EXPECT_EQ(death.names(), Names{"BR_DEAD_BINDER"});
  EXPECT_EQ(death.find(BR_DEAD_BINDER)->as<std::uint64_t>(), 77U);
  client.write(1, Commands().put(BC_DEAD_BINDER_DONE, binder_uintptr_t{77}));
  EXPECT_EQ(client.read_now(1).error, -EAGAIN) << "a death is told once";
  client.start(1, Commands().put(BC_TRANSACTION, Payload("x").call(handle, 5)), true);
  EXPECT_EQ(client.outcome(1).names(), Names{"BR_DEAD_REPLY"});
  expect_nothing_left();
}

TEST_P(Calls, ACallToAServerThatHasNotReadItEndsWithTheServer) {
  client.start(1, Commands().put(BC_TRANSACTION, Payload("x").call(0, 5)), true);
  cluster.settle();
  server.close();
  cluster.settle();
  EXPECT_EQ(client.outcome(1).names(), (Names{"BR_TRANSACTION_COMPLETE", "BR_DEAD_REPLY"}));
  expect_nothing_left();
}

TEST_P(Calls, ACallThatReachesNobodyIsNotComplete) {
  if (server_host() == 2) {  // it dies while the call is on its way
    client.start(1, Commands().put(BC_TRANSACTION, Payload("x").call(0, 5)), true);
    server.close();
  } else {
    server.close();
    client.start(1, Commands().put(BC_TRANSACTION, Payload("x").call(0, 5)), true);
  }
  cluster.settle();
  EXPECT_EQ(client.outcome(1).names(), Names{"BR_DEAD_REPLY"});
  expect_nothing_left();
}

TEST_P(Calls, CommandsBehindAFailedCallAreNotCarriedOut) {
  const Payload large(std::string(200 * 1024, 'x'));
  for (const bool nonblocking : {false, true}) {
    client.start(1,
                 Commands()
                     .put(BC_TRANSACTION, large.call(0, 5))
                     .put(BC_TRANSACTION, Payload("x").call(0, 6, TF_ONE_WAY)),
                 true, nonblocking);
    cluster.settle();
    const Outcome outcome = client.outcome(1);
    EXPECT_EQ(outcome.names(), Names{"BR_FAILED_REPLY"});
    EXPECT_EQ(outcome.write_consumed, sizeof(std::uint32_t) + sizeof(binder_transaction_data));
  }
  EXPECT_TRUE(server.blocked(1));
  expect_nothing_left();
}

TEST_P(Calls, ACallWithoutAReadReturnsWhenItIsQueued) {
  client.start(1, Commands().put(BC_TRANSACTION, Payload("x").call(0, 5)), false);
  cluster.settle();
  EXPECT_EQ(client.outcome(1).error, 0);
  const auto call = served();
  EXPECT_EQ(call.code, 5U);
  answer(call, Payload("y"));
  EXPECT_EQ(client.read(1).names(), (Names{"BR_TRANSACTION_COMPLETE", "BR_REPLY"}));
}

TEST_P(Calls, TheDeathOfTheClientLeavesTheServerAlone) {
  client.start(1, Commands().put(BC_TRANSACTION, Payload("x").call(0, 5)), true);
  const auto call = served();
  client.close();
  cluster.settle();
  server.start(1,
               Commands()
                   .put(BC_FREE_BUFFER, call.data.ptr.buffer)
                   .put(BC_REPLY, Payload("late").call(0, 0)),
               true);
  cluster.settle();
  EXPECT_EQ(server.outcome(1).names(), Names{"BR_TRANSACTION_COMPLETE"});
  expect_nothing_left();
}

TEST_P(Calls, APayloadThatDoesNotFitFails) {
  const Payload large(std::string(200 * 1024, 'x'));
  client.start(1, Commands().put(BC_TRANSACTION, large.call(0, 5)), true);
  cluster.settle();
  const Names names = client.outcome(1).names();
  ASSERT_FALSE(names.empty());
  EXPECT_EQ(names.back(), "BR_FAILED_REPLY");
  binder_extended_error error{};
  EXPECT_EQ(client.control(1, BINDER_GET_EXTENDED_ERROR, &error), 0);
  EXPECT_EQ(error.param, -ENOSPC);
  expect_nothing_left();
}

TEST_P(Calls, ABadObjectTakesBackTheOnesBeforeIt) {
  Payload payload;
  payload.add(binder_object(0x1, 0x1)).add(handle_object(99));
  client.start(1, Commands().put(BC_TRANSACTION, payload.call(0, 5)), true);
  cluster.settle();
  const Names names = client.outcome(1).names();
  ASSERT_FALSE(names.empty());
  EXPECT_EQ(names.back(), "BR_FAILED_REPLY");
  EXPECT_TRUE(server.blocked(1));
  expect_nothing_left();
}

TEST_P(Calls, ObjectsThatOverlapAreBadDataAndThoseThatAreNoneBadObjects) {
  client.greet(1);
  Payload payload;
  payload.add(binder_object(0x1, 0x1));
  const auto error_with = [&](std::vector<binder_size_t> offsets) {
    payload.offsets = std::move(offsets);
    client.start(1, Commands().put(BC_TRANSACTION, payload.call(0, 5)), true);
    cluster.settle();
    EXPECT_EQ(client.outcome(1).names().back(), "BR_FAILED_REPLY");
    binder_extended_error error{};
    EXPECT_EQ(client.control(1, BINDER_GET_EXTENDED_ERROR, &error), 0);
    return error.param;
  };
  EXPECT_EQ(error_with({1}), -EINVAL);
  EXPECT_EQ(error_with({4}), -EINVAL);
  EXPECT_EQ(error_with({1 << 20}), -EFAULT);
  EXPECT_EQ(error_with({0, 0}), -EFAULT);
  EXPECT_EQ(error_with({0, 20}), -EFAULT);
  payload.data.insert(payload.data.begin(), 2, std::byte{0});
  EXPECT_EQ(error_with({2}), -EINVAL) << "a whole object, but not aligned";
  payload.data.erase(payload.data.begin(), payload.data.begin() + 2);
  payload.data.pop_back();
  EXPECT_EQ(error_with({0}), -EINVAL) << "an object without its last byte";
  payload.data.resize(sizeof(binder_object_header));
  EXPECT_EQ(error_with({0}), -EINVAL) << "nothing but its type";
  expect_nothing_left();
}

TEST_P(Calls, ADeathHasNoExtendedError) {
  client.start(1, Commands().put(BC_TRANSACTION, Payload("x").call(0, 5)), true);
  served();
  server.close();
  cluster.settle();
  EXPECT_EQ(client.outcome(1).names().back(), "BR_DEAD_REPLY");
  binder_extended_error error{};
  EXPECT_EQ(client.control(1, BINDER_GET_EXTENDED_ERROR, &error), 0);
  EXPECT_EQ(error.command, std::uint32_t{BR_OK});
  expect_nothing_left();
}

// How many strong references the program has by this handle, as its host shows it.
std::vector<std::uint64_t> strong_counts(Program& program, std::uint32_t handle) {
  std::vector<std::uint64_t> counts;
  for (const ProcessDebugView& process : program.host().driver.debug_state().processes) {
    if (process.id != program.id()) continue;
    for (const RefView& ref : process.refs) {
      if (ref.handle == handle) counts.push_back(ref.strong);
    }
  }
  return counts;
}

TEST_P(Calls, AWeakHandleDoesNotKeepTheOwnersStrongReference) {
  const Payload empty;
  client.start(1, Commands().put(BC_TRANSACTION, empty.call(0, 1)), true);
  const auto call = served();
  Payload reply;
  reply.add(binder_object(0x50, 0x60, false));
  Commands commands;
  commands.put(BC_FREE_BUFFER, call.data.ptr.buffer);
  commands.put(BC_REPLY, reply.call(0, 0));
  EXPECT_EQ(server.read(1, commands).names(), (Names{"BR_INCREFS", "BR_TRANSACTION_COMPLETE"}));
  cluster.settle();
  const auto data = client.outcome(1).find(BR_REPLY)->as<binder_transaction_data>();
  flat_binder_object object;
  std::memcpy(&object, client.at(data.data.ptr.buffer), sizeof object);
  EXPECT_EQ(object.hdr.type, BINDER_TYPE_WEAK_HANDLE);
  // Nobody has a strong reference that this one could be made of.
  EXPECT_EQ(client.write(1, Commands().put(BC_ACQUIRE, std::uint32_t{object.handle})).error, 0);
  EXPECT_EQ(strong_counts(client, object.handle), std::vector<std::uint64_t>{0});
  client.start(1, Commands().put(BC_TRANSACTION, empty.call(object.handle, 1)), true);
  EXPECT_EQ(client.outcome(1).names(), Names{"BR_FAILED_REPLY"}) << "weak handles are not called";
  expect_nothing_left();
}

TEST_P(Calls, AWeakHandleStaysWeakEvenIfOthersHoldTheNode) {
  Program other(cluster.host(1), 300);
  other.greet(1);
  obtain_for(other, 0x50, 0x60);
  client.start(1, Commands().put(BC_TRANSACTION, Payload().call(0, 1)), true);
  const auto call = served();
  Payload reply;
  reply.add(binder_object(0x50, 0x60, false));
  answer(call, reply);
  const auto data = client.outcome(1).find(BR_REPLY)->as<binder_transaction_data>();
  flat_binder_object object;
  std::memcpy(&object, client.at(data.data.ptr.buffer), sizeof object);
  ASSERT_EQ(object.hdr.type, BINDER_TYPE_WEAK_HANDLE);
  client.write(1, Commands().put(BC_ACQUIRE, std::uint32_t{object.handle}));
  client.start(1, Commands().put(BC_TRANSACTION, Payload().call(object.handle, 1)), true);
  ASSERT_FALSE(client.blocked(1));
  EXPECT_EQ(client.outcome(1).names(), Names{"BR_FAILED_REPLY"});
  other.close();
  expect_nothing_left();
}

TEST_P(Calls, AManagerIsOneInTheWholeCluster) {
  Program other(cluster.host(1), 300);
  flat_binder_object object{};
  other.host().driver.control(other.id(), ThreadId{1}, BINDER_SET_CONTEXT_MGR_EXT,
                              {reinterpret_cast<std::byte*>(&object), sizeof object});
  cluster.settle();
  EXPECT_EQ(other.outcome(1).error, -EBUSY);
  server.close();
  cluster.settle();
  other.host().driver.control(other.id(), ThreadId{1}, BINDER_SET_CONTEXT_MGR_EXT,
                              {reinterpret_cast<std::byte*>(&object), sizeof object});
  cluster.settle();
  EXPECT_EQ(other.outcome(1).error, 0);
  other.close();
  expect_nothing_left();
}

TEST_P(Calls, MoreObjectsThanAnyMappingHoldsFailAtTheSender) {
  Payload payload;
  payload.data.resize(4U << 20);
  const flat_binder_object object = binder_object(0x10, 0x20);
  for (std::size_t at = 0; at + sizeof object <= payload.data.size(); at += sizeof object) {
    std::memcpy(payload.data.data() + at, &object, sizeof object);
    payload.offsets.push_back(at);
  }
  client.start(1, Commands().put(BC_TRANSACTION, payload.call(0, 5)), true);
  EXPECT_EQ(client.outcome(1).names(), Names{"BR_FAILED_REPLY"}) << "nothing was sent";
  binder_extended_error error{};
  EXPECT_EQ(client.control(1, BINDER_GET_EXTENDED_ERROR, &error), 0);
  EXPECT_EQ(error.param, -ENOSPC);
  expect_nothing_left();
}

INSTANTIATE_TEST_SUITE_P(Placement, Calls, ::testing::Values(1, 2), [](const auto& placement) {
  return placement.param == 1 ? "OneHost" : "TwoHosts";
});

}  // namespace
}  // namespace netbinder::testing
