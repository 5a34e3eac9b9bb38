// SPDX-License-Identifier: Apache-2.0
//
// Messages whose payloads are in space that was lent for them; messages that do not fit their
// lease; and the ends of leases.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/core/leases_fixture.h"

namespace netbinder::testing {
namespace {

using ::testing::Each;

// ---- messages by lease ----

TEST_F(Leases, ACallAndItsReplyComeByLease) {
  start_call(Payload("the question"));
  const auto lease = ask(image_of_next());
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->process, server.id());
  EXPECT_EQ(lease->bytes.size(), 16U);
  EXPECT_EQ(lease->arena.size(), kArena);
  const PayloadPlace place = cluster.deliver_by_lease(2, 1, *lease);
  EXPECT_EQ(place.process, server.id());
  EXPECT_EQ(place.bytes.data(), lease->bytes.data());
  const auto call = served();
  EXPECT_EQ(server.at(call.data.ptr.buffer), lease->bytes.data()) << "where it was written";
  EXPECT_EQ(text_of(server, call), "the question");

  const Payload answer("the answer");
  server.write(
      1, Commands().put(BC_FREE_BUFFER, call.data.ptr.buffer).put(BC_REPLY, answer.call(0, 0)));
  const auto* reply = std::get_if<peer::Reply>(&cluster.next(1, 2)->message);
  ASSERT_NE(reply, nullptr);
  const auto back = driver(2).lease(kServers, {.recipient = reply->call, .bytes = 16});
  ASSERT_TRUE(back);
  EXPECT_EQ(back->process, client.id());
  cluster.deliver_by_lease(1, 2, *back);
  const Outcome outcome = client.outcome(1);
  EXPECT_EQ(outcome.names(), (Names{"BR_TRANSACTION_COMPLETE", "BR_REPLY"}));
  const auto data = outcome.find(BR_REPLY)->as<binder_transaction_data>();
  EXPECT_EQ(client.at(data.data.ptr.buffer), back->bytes.data());
  EXPECT_EQ(text_of(client, data), "the answer");
  free(client, data);
  expect_none_left();
}

TEST_F(Leases, ObjectsInAPayloadByLeaseAreAdoptedAndReleased) {
  Payload payload("an object: ");
  payload.add(binder_object(0x1000, 0x1008));
  start_call(payload, TF_ONE_WAY);
  const auto lease = ask(4096, true);
  ASSERT_TRUE(lease);
  cluster.deliver_by_lease(2, 1, *lease);
  const auto call = served();
  flat_binder_object object;
  std::memcpy(&object, server.at(call.data.ptr.buffer) + payload.offsets[0], sizeof object);
  EXPECT_EQ(object.hdr.type, BINDER_TYPE_HANDLE);
  free(server, call);
  cluster.settle();
  client.outcome(1);
  expect_none_left();
  EXPECT_EQ(driver().counts().refs, 2U) << "those of the other hosts to the manager";
}

// A peer whose device was once allowed to write to a place may write there again.
TEST_F(Leases, WhatAPeerWritesBehindItsMessageReleasesNothing) {
  Payload payload("two objects: ");
  payload.add(binder_object(0x1000, 0x1008));
  payload.add(binder_object(0x2000, 0x2008));
  start_call(payload, TF_ONE_WAY);
  const auto lease = ask(4096, true);
  ASSERT_TRUE(lease);
  cluster.deliver_by_lease(2, 1, *lease);
  const auto call = served();
  const auto before = driver().counts().refs;

  // Objects nobody holds: nodes of the server's own, other handles, nothing at all.
  flat_binder_object forged{};
  forged.hdr.type = BINDER_TYPE_BINDER;
  forged.binder = 0;  // the server's node, which the buffer holds for the call
  std::memcpy(lease->bytes.data() + payload.offsets[0], &forged, sizeof forged);
  forged.hdr.type = BINDER_TYPE_HANDLE;
  forged.handle = 0;
  std::memcpy(lease->bytes.data() + payload.offsets[1], &forged, sizeof forged);
  free(server, call);
  driver().check_invariants();
  EXPECT_EQ(driver().counts().refs, before - 2) << "those of the message, and no others";
  cluster.settle();
  client.outcome(1);
  expect_none_left();
}

TEST_F(Leases, WhatTheMessageDoesNotNeedIsFreeAgain) {
  start_call(Payload("small"));
  const auto lease = ask(100'000);
  ASSERT_TRUE(lease);
  EXPECT_FALSE(has_free(kArena - 8));
  cluster.deliver_by_lease(2, 1, *lease);
  EXPECT_TRUE(has_free(kArena - 8));
  EXPECT_FALSE(has_free(kArena));
  free(server, served());
  EXPECT_TRUE(has_free(kArena));
}

TEST_F(Leases, LeasesAreUsedInAnyOrder) {
  std::vector<Lease> leases;
  for (int i = 0; i < 5; ++i) leases.push_back(*ask(64, true));
  for (const std::size_t which : {3U, 0U, 4U, 1U, 2U}) {
    start_call(Payload("call " + std::to_string(which)), TF_ONE_WAY);
    cluster.deliver_by_lease(2, 1, leases[which]);
    cluster.settle();
    client.outcome(1);
    const auto call = served();
    EXPECT_EQ(text_of(server, call), "call " + std::to_string(which));
    EXPECT_EQ(server.at(call.data.ptr.buffer), leases[which].bytes.data());
    free(server, call);
  }
  expect_none_left();
}

TEST_F(Leases, APayloadByLeaseCanBeAbandoned) {
  start_call(Payload("never comes"), TF_ONE_WAY);
  const auto lease = ask(64, true);
  const PeerMessage message = cluster.next(2, 1)->message;
  EXPECT_FALSE(driver().payload_arriving(kClients, message, lease->id).bytes.empty());
  driver().payload_abandoned(kClients);
  driver().check_invariants();
  EXPECT_TRUE(has_free(kArena));
  cluster.disconnect(1, 2);
  expect_none_left();
}

TEST_F(Leases, TheRoomOfASecurityContextIsAskedFor) {
  constexpr std::uint32_t kUser = 4'000'000'000;
  const std::string long_label(100, 'l');
  Cluster other(2);
  Program manager(other.host(1), 100, "binder", kArena);
  Program labelled(other.host(2), 200, "binder", 0, kUser, long_label);
  Program plain(other.host(2), 201, "binder", 0, kUser, "u:r:uid_4000000000:s0");
  manager.greet(1);
  flat_binder_object object{};
  object.flags = FLAT_BINDER_FLAG_TXN_SECURITY_CTX;
  ASSERT_EQ(manager.control(1, BINDER_SET_CONTEXT_MGR_EXT, &object), 0);
  manager.enter_looper(1);
  other.settle();
  Driver& home = other.host(1).driver;
  const Payload payload("for a manager that wants to know who calls");
  const auto call = [&](Program& caller, const std::string& context, std::uint32_t context_bytes) {
    caller.greet(1);
    caller.start(1, Commands().put(BC_TRANSACTION, payload.call(0, 7, TF_ONE_WAY)), true);
    const auto& letter = *other.next(2, 1);
    const auto& message = std::get<peer::Call>(letter.message);
    EXPECT_EQ(message.security_context, context);
    const auto lease = home.lease(kClients, {.recipient = message.target,
                                             .bytes = letter.payload.size(),
                                             .context_bytes = context_bytes,
                                             .oneway = true});
    ASSERT_TRUE(lease);
    other.deliver_by_lease(2, 1, *lease);
    other.settle();
  };
  const auto expect_told = [&](Program& caller, const std::string& context) {
    EXPECT_EQ(caller.outcome(1).names(), Names{"BR_TRANSACTION_COMPLETE"});
    const Outcome outcome = manager.read_now(1);
    const auto* told = outcome.find(BR_TRANSACTION_SEC_CTX);
    ASSERT_NE(told, nullptr);
    const auto data = told->as<binder_transaction_data_secctx>();
    EXPECT_EQ(reinterpret_cast<const char*>(manager.at(data.secctx)), context);
    EXPECT_EQ(text_of(manager, data.transaction_data),
              "for a manager that wants to know who calls");
    free(manager, data.transaction_data);
  };
  const std::string label = long_label + "@host2";
  call(labelled, label, static_cast<std::uint32_t>(label.size() + 1));
  expect_told(labelled, label);
  // A context that is made from the user is not sent, and there is always room for it.
  call(plain, "", 0);
  expect_told(plain, "u:r:uid_4000000000:s0@host2");
  call(labelled, label, 0);
  EXPECT_EQ(labelled.outcome(1).names(), Names{"BR_FAILED_REPLY"}) << "there was no room for it";
  EXPECT_EQ(home.counts().leases, 0U);
  EXPECT_EQ(home.counts().buffers, 0U);
}

TEST_F(Leases, ABufferThatIsToBeClearedIsCleared) {
  start_call(Payload("a secret"), kTfClearBuf | TF_ONE_WAY);
  const auto lease = ask(64, true);
  cluster.deliver_by_lease(2, 1, *lease);
  const auto call = served();
  EXPECT_EQ(text_of(server, call), "a secret");
  free(server, call);
  EXPECT_THAT(lease->bytes.first(8), Each(std::byte{0}));
  cluster.settle();
  client.outcome(1);

  start_call(Payload("a secret longer than its space"), kTfClearBuf | TF_ONE_WAY);
  const auto small = ask(16, true);
  cluster.deliver_by_lease(2, 1, *small);
  EXPECT_THAT(small->bytes, Each(std::byte{0}));
  expect_refused(BR_FAILED_REPLY, -EINVAL);
}

// ---- messages that do not go with their lease ----

TEST_F(Leases, AMessageLargerThanItsLeaseFails) {
  start_call(Payload(std::string(65, 'x')));
  const auto lease = ask(65);
  ASSERT_TRUE(lease) << "the image has 72 bytes";
  EXPECT_TRUE(cluster.deliver_by_lease(2, 1, *lease).bytes.empty());
  expect_refused(BR_FAILED_REPLY, -EINVAL);
  expect_none_left();
}

TEST_F(Leases, ASynchronousCallBySpaceForOnewayCallsFailsAndTheOtherWayRound) {
  for (const bool oneway : {false, true}) {
    start_call(Payload("x"), oneway ? std::uint32_t{TF_ONE_WAY} : 0U);
    EXPECT_TRUE(cluster.deliver_by_lease(2, 1, *ask(64, !oneway)).bytes.empty());
    expect_refused(BR_FAILED_REPLY, -EINVAL);
    expect_none_left();
  }
}

TEST_F(Leases, AnEndedLeaseIsNoneAndACallByItFails) {
  const auto lease = ask(64);
  driver().end_lease(kClients, lease->id);
  driver().end_lease(kClients, lease->id);
  EXPECT_TRUE(has_free(kArena));
  start_call(Payload("x"));
  EXPECT_TRUE(cluster.deliver_by_lease(2, 1, *lease).bytes.empty());
  expect_refused(BR_FAILED_REPLY, -EINVAL);
  expect_none_left();
}

TEST_F(Leases, ALeaseIsUsedOnce) {
  const auto lease = ask(64, true);
  start_call(Payload("first"), TF_ONE_WAY);
  cluster.deliver_by_lease(2, 1, *lease);
  cluster.settle();
  client.outcome(1);
  const auto call = served();
  free(server, call);
  start_call(Payload("second"), TF_ONE_WAY);
  EXPECT_TRUE(cluster.deliver_by_lease(2, 1, *lease).bytes.empty());
  expect_refused(BR_FAILED_REPLY, -EINVAL);
  expect_none_left();
}

TEST_F(Leases, AnotherHostsLeaseCanBeNeitherUsedNorEnded) {
  const auto lease = ask(64, false, false, kThird);
  ASSERT_TRUE(lease);
  start_call(Payload("x"));
  EXPECT_TRUE(cluster.deliver_by_lease(2, 1, *lease).bytes.empty());
  expect_refused(BR_FAILED_REPLY, -EINVAL);
  driver().end_lease(kClients, lease->id);
  EXPECT_EQ(driver().counts().leases, 1U);
  driver().end_lease(kThird, lease->id);
  expect_none_left();
}

TEST_F(Leases, SpaceForAReplyIsGivenToWhoIsToAnswerWhileTheCallWaits) {
  Payload gives;
  gives.add(binder_object(0x1000, 0x1008));
  client.start(1, Commands().put(BC_TRANSACTION, gives.call(0, 1, TF_ONE_WAY)), true);
  cluster.settle();
  client.outcome(1);
  client.read_now(1);
  const auto given = served();
  flat_binder_object object;
  std::memcpy(&object, server.at(given.data.ptr.buffer), sizeof object);
  const Payload question("?");
  server.start(1, Commands().put(BC_TRANSACTION, question.call(object.handle, 2)), true);
  const auto& nested = std::get<peer::Call>(cluster.next(1, 2)->message);
  const CallId waits = nested.call;
  const auto lease = driver().lease(kClients, {.recipient = waits, .bytes = 64});
  ASSERT_TRUE(lease);
  EXPECT_EQ(lease->process, server.id());
  EXPECT_FALSE(driver().lease(kThird, {.recipient = waits, .bytes = 64}))
      << "it is not that host's to answer";
  cluster.settle();
  const auto asked = client.read_now(1).find(BR_TRANSACTION)->as<binder_transaction_data>();
  const Payload answer("!");
  client.write(
      1, Commands().put(BC_FREE_BUFFER, asked.data.ptr.buffer).put(BC_REPLY, answer.call(0, 0)));
  cluster.deliver_by_lease(2, 1, *lease);
  const Outcome told = server.outcome(1);
  ASSERT_NE(told.find(BR_REPLY), nullptr);
  EXPECT_FALSE(driver().lease(kClients, {.recipient = waits, .bytes = 64})) << "it waits no longer";
}

TEST_F(Leases, ACallOfANodeOfAnotherProcessByTheLeaseFails) {
  // A second process of host 1 whose node host 2 holds: the server passes it on.
  Program second(cluster.host(1), 102, "binder", kArena);
  second.greet(1);
  Payload registers;
  registers.add(binder_object(0x2000, 0x2008));
  second.start(1, Commands().put(BC_TRANSACTION, registers.call(0, 1, TF_ONE_WAY)), true);
  cluster.settle();
  const auto given = served();
  flat_binder_object object;
  std::memcpy(&object, server.at(given.data.ptr.buffer), sizeof object);
  start_call(Payload("give me"));
  cluster.settle();
  const auto call = served();
  Payload passes_on;
  passes_on.add(handle_object(object.handle));
  server.write(
      1, Commands().put(BC_FREE_BUFFER, call.data.ptr.buffer).put(BC_REPLY, passes_on.call(0, 0)));
  cluster.settle();
  const auto reply = client.outcome(1).find(BR_REPLY)->as<binder_transaction_data>();
  std::memcpy(&object, client.at(reply.data.ptr.buffer), sizeof object);
  const Payload text("x");
  client.start(1, Commands().put(BC_TRANSACTION, text.call(object.handle, 3)), true);
  ASSERT_NE(std::get<peer::Call>(cluster.next(2, 1)->message).target, node);
  EXPECT_TRUE(cluster.deliver_by_lease(2, 1, *ask(64)).bytes.empty());
  expect_refused(BR_FAILED_REPLY, -EINVAL);
  EXPECT_EQ(driver().counts().leases, 0U);
}

TEST_F(Leases, AReplyThatDoesNotFitItsLeaseFailsTheCall) {
  start_call(Payload("?"));
  cluster.settle();
  const auto call = served();
  const Payload answer(std::string(100, 'a'));
  server.write(
      1, Commands().put(BC_FREE_BUFFER, call.data.ptr.buffer).put(BC_REPLY, answer.call(0, 0)));
  const auto& reply = std::get<peer::Reply>(cluster.next(1, 2)->message);
  const auto lease = driver(2).lease(kServers, {.recipient = reply.call, .bytes = 8});
  ASSERT_TRUE(lease);
  EXPECT_TRUE(cluster.deliver_by_lease(1, 2, *lease).bytes.empty());
  EXPECT_EQ(client.outcome(1).names(), (Names{"BR_TRANSACTION_COMPLETE", "BR_FAILED_REPLY"}));
  binder_extended_error told{};
  ASSERT_EQ(client.control(1, BINDER_GET_EXTENDED_ERROR, &told), 0);
  EXPECT_EQ(told.param, -EINVAL);
  expect_none_left();
}

// ---- ends ----

TEST_F(Leases, ItEndsWithItsProcessAndTheCallIsOfADeadNode) {
  const auto lease = ask(64);
  start_call(Payload("x"));
  const PeerMessage message = cluster.next(2, 1)->message;
  server.close();
  EXPECT_EQ(driver().counts().leases, 0U);
  EXPECT_TRUE(driver().payload_arriving(kClients, message, lease->id).bytes.empty());
  driver().payload_abandoned(kClients);
  driver().end_lease(kClients, lease->id);
  cluster.settle();
  EXPECT_EQ(client.outcome(1).names(), Names{"BR_DEAD_REPLY"});
}

TEST_F(Leases, AReplyByLeaseToAThreadThatIsGoneFreesTheSpace) {
  start_call(Payload("?"));
  cluster.settle();
  const auto call = served();
  const Payload answer("!");
  server.write(
      1, Commands().put(BC_FREE_BUFFER, call.data.ptr.buffer).put(BC_REPLY, answer.call(0, 0)));
  const auto& reply = std::get<peer::Reply>(cluster.next(1, 2)->message);
  const auto lease = driver(2).lease(kServers, {.recipient = reply.call, .bytes = 8});
  ASSERT_TRUE(lease);
  driver(2).interrupt(client.id(), ThreadId{1});
  client.outcome(1);
  std::int32_t unused = 0;
  ASSERT_EQ(client.control(1, BINDER_THREAD_EXIT, &unused), 0);
  EXPECT_TRUE(cluster.deliver_by_lease(1, 2, *lease).bytes.empty());
  expect_none_left();
}

TEST_F(Leases, ItEndsWithTheSession) {
  ASSERT_TRUE(ask(1000));
  ASSERT_TRUE(ask(1000, true));
  ASSERT_TRUE(ask(1000, false, false, kThird));
  cluster.disconnect(1, 2);
  driver().check_invariants();
  EXPECT_EQ(driver().counts().leases, 1U) << "the third host's";
  cluster.disconnect(1, 3);
  EXPECT_EQ(driver().counts().leases, 0U);
  EXPECT_EQ(driver().processes().at(0).free_async_bytes, kArena / 2);
}

}  // namespace
}  // namespace netbinder::testing
