// SPDX-License-Identifier: Apache-2.0
//
// Lazy services: their notifications about clients, and when they may leave.
#include "tests/service-manager/service_client.h"

namespace netbinder::testing {
namespace {

// The service's next notification: whether it has clients; nothing if there is none.
std::optional<bool> told(ServiceClient& server, std::uint64_t callback = kCallback) {
  auto call = server.incoming();
  if (!call) return std::nullopt;
  EXPECT_EQ(call->target, callback);
  EXPECT_EQ(call->code, 1U);
  EXPECT_EQ(call->i32(), 0);
  EXPECT_EQ(call->i32(), -1);
  EXPECT_EQ(call->u32(), 0x53595354U);
  EXPECT_EQ(call->string16(), "android.os.IClientCallback");
  // Its own binder, at home again.
  flat_binder_object object{};
  EXPECT_EQ(call->offsets.size(), 1U);
  std::memcpy(&object, call->data.data() + call->offsets.at(0), sizeof object);
  EXPECT_EQ(object.hdr.type, std::uint32_t{BINDER_TYPE_BINDER});
  EXPECT_EQ(object.binder, kNode);
  EXPECT_EQ(object.cookie, kNode + 1);
  for (std::size_t word = 0; word < sizeof object / 4; ++word) (void)call->i32();
  EXPECT_EQ(call->u32(), server.version().system);
  const std::int32_t has_clients = call->i32();
  EXPECT_EQ(call->left(), 0U);
  EXPECT_TRUE(has_clients == 0 || has_clients == 1);
  return has_clients == 1;
}

class Lazy : public ::testing::TestWithParam<Android> {
 protected:
  Lazy() : before_(cluster_.host(1).driver.counts()) {
    for (const std::int32_t pid : {100, 200, 300}) {
      cluster_.manager(1).set_dialect(pid, GetParam().dialect);
    }
    client_.emplace(cluster_, 1, 100, GetParam());
    server_.emplace(cluster_, 1, 200, GetParam());
  }
  void TearDown() override {
    client_.reset();
    server_.reset();
    cluster_.settle();
    const Driver::Counts after = cluster_.host(1).driver.counts();
    EXPECT_EQ(after.processes, before_.processes);
    EXPECT_EQ(after.nodes, before_.nodes);
    EXPECT_EQ(after.refs, before_.refs);
    EXPECT_EQ(after.transactions, before_.transactions);
    EXPECT_EQ(after.deaths, before_.deaths);
    EXPECT_EQ(after.buffers, before_.buffers);
    EXPECT_TRUE(cluster_.manager(1).services().empty());
    EXPECT_FALSE(cluster_.manager(1).needs_looks());
  }
  void serve() {
    EXPECT_EQ(server_->add("lazy", kNode, 8 | 1 << 30), 0);
    EXPECT_EQ(server_->watch_clients("lazy", kNode, kCallback), 0);
  }
  void look(int times) {
    for (int i = 0; i < times; ++i) cluster_.look();
  }

  ManagedCluster cluster_;
  Driver::Counts before_;
  std::optional<ServiceClient> client_;
  std::optional<ServiceClient> server_;
};

INSTANTIATE_TEST_SUITE_P(Android, Lazy,
                         ::testing::ValuesIn(androids_with(&Android::client_callback)),
                         [](const auto& tested) { return tested.param.name; });

TEST_P(Lazy, IsToldOfItsFirstClientAtOnceAndOfTheLastOnesEndAfterTwoLooks) {
  serve();
  look(3);
  EXPECT_EQ(told(*server_), std::nullopt);
  const auto handle = client_->check("lazy");
  ASSERT_TRUE(handle);
  EXPECT_EQ(told(*server_), true);
  look(3);
  EXPECT_EQ(told(*server_), std::nullopt);
  client_->drop(*handle);
  EXPECT_EQ(told(*server_), std::nullopt);
  look(1);
  EXPECT_EQ(told(*server_), std::nullopt);
  look(1);
  EXPECT_EQ(told(*server_), false);
  look(3);
  EXPECT_EQ(told(*server_), std::nullopt);
}

TEST_P(Lazy, EveryWayToGetTheServiceMakesAClient) {
  serve();
  for (const std::uint32_t code :
       {GetParam().get, GetParam().get2, GetParam().check, GetParam().check2}) {
    if (code == 0) continue;
    ServiceClient passing(cluster_, 1, 300, GetParam());
    (void)passing.call(code, passing.request().string16("lazy"));
    EXPECT_EQ(told(*server_), true) << code;
    passing.die();
    look(2);
    EXPECT_EQ(told(*server_), false) << code;
  }
}

TEST_P(Lazy, AClientThatComesBetweenTwoLooksKeepsIt) {
  serve();
  const auto handle = client_->check("lazy");
  ASSERT_TRUE(handle);
  EXPECT_EQ(told(*server_), true);
  client_->drop(*handle);
  look(1);
  const auto again = client_->check("lazy");
  ASSERT_TRUE(again);
  client_->drop(*again);
  look(1);
  EXPECT_EQ(told(*server_), std::nullopt);
  look(1);
  EXPECT_EQ(told(*server_), false);
}

TEST_P(Lazy, AClientThatWasThereBeforeIsToldAtRegistration) {
  EXPECT_EQ(server_->add("lazy", kNode), 0);
  EXPECT_TRUE(client_->check("lazy"));
  EXPECT_EQ(server_->watch_clients("lazy", kNode, kCallback), 0);
  EXPECT_EQ(told(*server_), true);
  // A second callback is told too, and the first one not again.
  EXPECT_EQ(server_->watch_clients("lazy", kNode, kCallback + 16), 0);
  EXPECT_EQ(told(*server_, kCallback + 16), true);
  EXPECT_EQ(server_->watch_clients("lazy", kNode, kCallback), 0);
  EXPECT_EQ(told(*server_), std::nullopt);
}

TEST_P(Lazy, AClientThatHasComeAndGoneBeforeIsToldAtRegistration) {
  EXPECT_EQ(server_->add("lazy", kNode), 0);
  const auto handle = client_->check("lazy");
  ASSERT_TRUE(handle);
  client_->drop(*handle);
  EXPECT_EQ(server_->watch_clients("lazy", kNode, kCallback), 0);
  EXPECT_EQ(told(*server_), true);
  look(2);
  EXPECT_EQ(told(*server_), false);
}

TEST_P(Lazy, AProgramThatWaitedForItAndHasGoneIsToldAtRegistration) {
  ASSERT_EQ(client_->listen("lazy", 0x2000), 0);
  EXPECT_EQ(server_->add("lazy", kNode), 0);
  const auto notification = client_->incoming();
  ASSERT_TRUE(notification);
  client_->die();
  EXPECT_EQ(server_->watch_clients("lazy", kNode, kCallback), 0);
  EXPECT_EQ(told(*server_), true);
  look(2);
  EXPECT_EQ(told(*server_), false);
}

// It is given the service with the first notification, and may be gone before the next look.
TEST_P(Lazy, AProgramThatBeginsToWaitForItIsAClient) {
  serve();
  ASSERT_EQ(client_->listen("lazy", 0x2000), 0);
  EXPECT_EQ(told(*server_), true);
  client_->die();
  look(2);
  EXPECT_EQ(told(*server_), false);
}

TEST_P(Lazy, AProgramThatWaitedForItWhileItWasAwayIsAClient) {
  serve();
  EXPECT_EQ(server_->try_unregister("lazy", kNode), 0);
  ASSERT_EQ(client_->listen("lazy", 0x2000), 0);
  EXPECT_EQ(server_->add("lazy", kNode), 0);
  EXPECT_EQ(told(*server_), true);
  client_->die();
  look(2);
  EXPECT_EQ(told(*server_), false);
}

TEST_P(Lazy, AClientThatGotItFromAnotherProgramIsSeenByTheNextLook) {
  serve();
  ServiceClient other(cluster_, 1, 300, GetParam());
  EXPECT_EQ(other.add("friend", 0x7000), 0);
  const auto to_other = client_->check("friend");
  ASSERT_TRUE(to_other);
  // The service hands itself out, past the manager.
  const auto from_server = server_->check("friend");
  ASSERT_TRUE(from_server);
  Request parcel;
  parcel.payload().add(binder_object(kNode, kNode + 1));
  server_->send(*from_server, 1, parcel);
  ASSERT_TRUE(other.incoming());
  EXPECT_EQ(told(*server_), std::nullopt);
  look(1);
  EXPECT_EQ(told(*server_), true);
  other.die();
  look(2);
  EXPECT_EQ(told(*server_), false);
}

TEST_P(Lazy, LeavesWhenItHasNoClientsAndComesBackWithItsCallback) {
  serve();
  EXPECT_EQ(server_->try_unregister("lazy", kNode), 0);
  EXPECT_EQ(client_->check("lazy"), std::nullopt);
  EXPECT_TRUE(cluster_.manager(1).services().empty());
  EXPECT_FALSE(cluster_.manager(1).needs_looks());
  EXPECT_EQ(server_->try_unregister("lazy", kNode), -5);
  // libbinder registers again without registering its callback again.
  EXPECT_EQ(server_->add("lazy", kNode), 0);
  EXPECT_TRUE(cluster_.manager(1).needs_looks());
  EXPECT_EQ(told(*server_), std::nullopt);
  EXPECT_TRUE(client_->check("lazy"));
  EXPECT_EQ(told(*server_), true);
}

TEST_P(Lazy, MayNotLeaveWhileItHasClients) {
  serve();
  const auto handle = client_->check("lazy");
  ASSERT_TRUE(handle);
  EXPECT_EQ(server_->try_unregister("lazy", kNode), -5);
  EXPECT_EQ(told(*server_), true);
  client_->drop(*handle);
  EXPECT_EQ(server_->try_unregister("lazy", kNode), -5);  // it was not told that it has none
  look(2);
  EXPECT_EQ(told(*server_), false);
  EXPECT_EQ(server_->try_unregister("lazy", kNode), 0);
}

TEST_P(Lazy, ARefusedOneHearsWhenToTryAgain) {
  serve();
  ServiceClient other(cluster_, 1, 300, GetParam());
  EXPECT_EQ(other.add("friend", 0x7000), 0);
  const auto friend_of_server = server_->check("friend");
  ASSERT_TRUE(friend_of_server);
  Request parcel;
  parcel.payload().add(binder_object(kNode, kNode + 1));
  server_->send(*friend_of_server, 1, parcel);
  ASSERT_TRUE(other.incoming());
  EXPECT_EQ(server_->try_unregister("lazy", kNode), -5);  // no look has seen the client yet
  EXPECT_EQ(told(*server_), true);
  other.die();
  look(2);
  EXPECT_EQ(told(*server_), false);
  EXPECT_EQ(server_->try_unregister("lazy", kNode), 0);
}

TEST_P(Lazy, ACallThatWaitsForItIsAClient) {
  serve();
  const auto handle = client_->check("lazy");
  ASSERT_TRUE(handle);
  EXPECT_EQ(told(*server_), true);
  client_->send(*handle, 9, Request().i32(1));
  client_->die();
  look(3);
  auto call = server_->incoming();
  ASSERT_TRUE(call);
  EXPECT_EQ(call->target, kNode);  // not told before that is done
  look(2);
  EXPECT_EQ(told(*server_), false);
}

TEST_P(Lazy, OnlyTheServicesOwnProcessMayAsk) {
  serve();
  const auto handle = client_->check("lazy");
  ASSERT_TRUE(handle);
  Request callback = client_->request();
  callback.string16("lazy").handle(GetParam(), *handle).binder(GetParam(), kCallback, 0);
  EXPECT_EQ(client_->call(GetParam().client_callback, callback).i32(), -7);
  Request leave = client_->request();
  leave.string16("lazy").handle(GetParam(), *handle);
  EXPECT_EQ(client_->call(GetParam().try_unregister, leave).i32(), -7);
  EXPECT_TRUE(client_->check("lazy"));
}

TEST_P(Lazy, WhatDoesNotFitIsRefused) {
  serve();
  EXPECT_EQ(server_->watch_clients("nobody", kNode, kCallback), -3);
  EXPECT_EQ(server_->watch_clients("lazy", kNode + 16, kCallback), -3);
  Request without = server_->request();
  without.string16("lazy").binder(GetParam(), kNode, kNode + 1).null_binder(GetParam());
  EXPECT_EQ(server_->call(GetParam().client_callback, without).i32(), -4);
  EXPECT_EQ(server_->try_unregister("nobody", kNode), -5);
  EXPECT_EQ(server_->try_unregister("lazy", kNode + 16), -5);
  Request nothing = server_->request();
  nothing.string16("lazy").null_binder(GetParam());
  EXPECT_EQ(server_->call(GetParam().try_unregister, nothing).i32(), -4);
  EXPECT_EQ(server_->add("eager", kNode + 32), 0);
  EXPECT_EQ(server_->try_unregister("eager", kNode + 32), -5);  // it has no callback
}

TEST_P(Lazy, IsForgottenWithItsProcess) {
  serve();
  EXPECT_TRUE(client_->check("lazy"));
  server_->die();
  EXPECT_FALSE(cluster_.manager(1).needs_looks());
  look(2);
  EXPECT_EQ(client_->check("lazy"), std::nullopt);
}

TEST_P(Lazy, ASuccessorOfAnotherProcessIsNotToldOf) {
  serve();
  EXPECT_EQ(client_->add("lazy", 0x7000), 0);
  EXPECT_FALSE(cluster_.manager(1).needs_looks());
  EXPECT_TRUE(server_->check("lazy"));
  look(2);
  EXPECT_EQ(told(*server_), std::nullopt);
}

}  // namespace
}  // namespace netbinder::testing
