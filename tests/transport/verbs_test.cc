// SPDX-License-Identifier: Apache-2.0
//
// The promises of transport/rdma/verbs.h while nothing fails.
#include "transport/rdma/verbs.h"

#include <gtest/gtest.h>

#include "tests/transport/verbs_test_backends.h"

namespace netbinder::rdma {
namespace {

using Kind = SendRequest::Kind;

TYPED_TEST_SUITE(VerbsTest, Backends, BackendNames);

TYPED_TEST(VerbsTest, SaysWhatDeviceDoesNotExist) {
  const auto device = this->backend_.verbs->open({.name = "", .port = 77});
  ASSERT_FALSE(device);
  EXPECT_NE(device.error().find("77"), std::string::npos) << device.error();
}

TYPED_TEST(VerbsTest, AddressesAreWhatConnectTakes) {
  TestHost host(*this->backend_.verbs);
  const QueuePairAddress address = host.pair->address();
  EXPECT_EQ(address.number, host.pair->number());
  EXPECT_LT(address.first_packet, 1U << 24);
  EXPECT_GE(address.mtu_bytes, 256U);
  EXPECT_NE(host.device->description(), "");
  EXPECT_GE(host.device->max_message_bytes(), 1U << 20);
}

TYPED_TEST(VerbsTest, RefusesImpossiblePeers) {
  TestHost host(*this->backend_.verbs);
  TestHost peer(*this->backend_.verbs);
  const QueuePairAddress good = peer.pair->address();
  const auto refuses = [&](auto&& spoil) {
    QueuePairAddress bad = good;
    spoil(bad);
    const auto result = host.pair->connect(bad);
    EXPECT_FALSE(result);
    EXPECT_TRUE(result || !result.error().empty());
  };
  refuses([](QueuePairAddress& bad) { bad.mtu_bytes = 0; });
  refuses([](QueuePairAddress& bad) { bad.mtu_bytes = 1000; });
  refuses([](QueuePairAddress& bad) { bad.first_packet = 1U << 24; });
  refuses([](QueuePairAddress& bad) { bad.number = QueuePairNumber{1U << 24}; });
  EXPECT_TRUE(host.pair->connect(good)) << "what was refused changed nothing";
}

TYPED_TEST(VerbsTest, SendTakesAReceive) {
  Connected hosts(*this->backend_.verbs);
  ASSERT_EQ(hosts.b.receive(7, 100, 50), 0);
  hosts.a.put(0, "hello");
  ASSERT_EQ(hosts.send(3, hosts.a.gather(0, 5)), 0);
  const std::vector<Completion> received = hosts.receives_of_b(1);
  expect_only(received, 7, CompletionStatus::kSuccess, *hosts.b.pair);
  EXPECT_EQ(received[0].bytes, 5U);
  EXPECT_EQ(hosts.b.text(100, 5), "hello");
  expect_only(hosts.sends_of_a(1), 3, CompletionStatus::kSuccess, *hosts.a.pair);
  hosts.poller.poll_once();
  hosts.poller.expect_no_more();
}

TYPED_TEST(VerbsTest, ReceivesMayBePostedBeforeConnecting) {
  TestHost a(*this->backend_.verbs);
  TestHost b(*this->backend_.verbs);
  ASSERT_EQ(b.receive(1, 0, 16), 0);
  connect(a, b);
  const SendRequest empty{.id = WorkId{1}, .signalled = true};
  ASSERT_EQ(a.pair->post_send({&empty, 1}), 0);
  TestPoller poller(*a.device, *b.device);
  const std::vector<Completion> received = poller.receives(1, 1);
  expect_only(received, 1, CompletionStatus::kSuccess, *b.pair);
  EXPECT_EQ(received[0].bytes, 0U);
  expect_only(poller.sends(0, 1), 1, CompletionStatus::kSuccess, *a.pair);
}

TYPED_TEST(VerbsTest, SendsCannotBePostedBeforeConnecting) {
  TestHost a(*this->backend_.verbs);
  const SendRequest empty{.id = WorkId{1}, .signalled = true};
  EXPECT_LT(a.pair->post_send({&empty, 1}), 0);
}

TYPED_TEST(VerbsTest, PeerMayConnectLater) {
  TestHost a(*this->backend_.verbs);
  TestHost b(*this->backend_.verbs);
  TestPoller poller(*a.device, *b.device);
  ASSERT_EQ(b.receive(1, 0, 16), 0);
  must<void>(a.pair->connect(b.pair->address()));
  const SendRequest empty{.id = WorkId{1}, .signalled = true};
  ASSERT_EQ(a.pair->post_send({&empty, 1}), 0);
  for (int i = 0; i < 10; ++i) {
    poller.poll_once();
  }
  must<void>(b.pair->connect(a.pair->address()));
  expect_only(poller.receives(1, 1), 1, CompletionStatus::kSuccess, *b.pair);
  expect_only(poller.sends(0, 1), 1, CompletionStatus::kSuccess, *a.pair);
}

TYPED_TEST(VerbsTest, WhatWasWrittenIsThereWhenTheSendBehindItArrives) {
  Connected hosts(*this->backend_.verbs);
  constexpr std::size_t kBytes = 100'000, kPlace = 200'000;
  for (std::uint64_t round = 1; round <= 20; ++round) {
    ASSERT_EQ(hosts.b.receive(round, 0, 16), 0);
    const std::string text(kBytes, static_cast<char>('a' + round));
    hosts.a.put(0, text);
    const Gather written = hosts.a.gather(0, kBytes);
    const Gather sent = hosts.a.gather(0, 1);
    const std::array<SendRequest, 2> chain{
        SendRequest{.kind = Kind::kWrite,
                    .id = WorkId{1},
                    .gather = {&written, 1},
                    .remote_address = hosts.b.address(kPlace),
                    .remote_key = hosts.b.region->remote_key()},
        SendRequest{.id = WorkId{2}, .gather = {&sent, 1}, .signalled = true, .inline_data = true}};
    ASSERT_EQ(hosts.a.pair->post_send(chain), 0);
    expect_only(hosts.receives_of_b(1), round, CompletionStatus::kSuccess, *hosts.b.pair);
    ASSERT_EQ(hosts.b.text(kPlace, kBytes), text);
    expect_only(hosts.sends_of_a(1), 2, CompletionStatus::kSuccess, *hosts.a.pair);
  }
}

TYPED_TEST(VerbsTest, InlineMemoryIsFreeAtOnce) {
  Connected hosts(*this->backend_.verbs);
  ASSERT_GE(hosts.a.pair->inline_bytes(), 16U);
  ASSERT_EQ(hosts.b.receive(1, 0, 64), 0);
  std::array<char, 12> text{"inline data"};  // not registered
  const std::array<Gather, 2> pieces{
      Gather{reinterpret_cast<const std::byte*>(text.data()), 7, LocalKey{}},
      Gather{reinterpret_cast<const std::byte*>(text.data()) + 7, 4, LocalKey{}}};
  const SendRequest request{
      .id = WorkId{1}, .gather = pieces, .signalled = true, .inline_data = true};
  ASSERT_EQ(hosts.a.pair->post_send({&request, 1}), 0);
  text.fill('x');
  expect_only(hosts.receives_of_b(1), 1, CompletionStatus::kSuccess, *hosts.b.pair);
  EXPECT_EQ(hosts.b.text(0, 11), "inline data");
  expect_only(hosts.sends_of_a(1), 1, CompletionStatus::kSuccess, *hosts.a.pair);
}

TYPED_TEST(VerbsTest, PiecesAreGathered) {
  Connected hosts(*this->backend_.verbs);
  hosts.a.put(0, "one");
  hosts.a.put(1000, "two");
  hosts.a.put(500, "three");
  const std::array<Gather, 3> pieces{hosts.a.gather(0, 3), hosts.a.gather(1000, 3),
                                     hosts.a.gather(500, 5)};
  const SendRequest request{.kind = Kind::kWrite,
                            .id = WorkId{1},
                            .gather = pieces,
                            .remote_address = hosts.b.address(64),
                            .remote_key = hosts.b.region->remote_key(),
                            .signalled = true};
  ASSERT_EQ(hosts.a.pair->post_send({&request, 1}), 0);
  expect_only(hosts.sends_of_a(1), 1, CompletionStatus::kSuccess, *hosts.a.pair);
  EXPECT_EQ(hosts.b.text(64, 11), "onetwothree");
  hosts.poller.poll_once();
  hosts.poller.expect_no_more();  // nothing at the peer
}

TYPED_TEST(VerbsTest, RefusesRequestsBeyondItsLimits) {
  Connected hosts(*this->backend_.verbs);
  const std::vector<Gather> pieces(40, hosts.a.gather(0, 1));
  const SendRequest too_many{.id = WorkId{1}, .gather = pieces};
  EXPECT_LT(hosts.a.pair->post_send({&too_many, 1}), 0);
  const Gather big = hosts.a.gather(0, hosts.a.pair->inline_bytes() + 1);
  const SendRequest too_big{.id = WorkId{1}, .gather = {&big, 1}, .inline_data = true};
  EXPECT_LT(hosts.a.pair->post_send({&too_big, 1}), 0);
}

TYPED_TEST(VerbsTest, OnlySignalledSendsComplete) {
  Connected hosts(*this->backend_.verbs);
  // All that may be outstanding, several times over.
  for (std::uint64_t round = 0; round < 5; ++round) {
    std::vector<SendRequest> chain;
    const Gather piece = hosts.a.gather(0, 8);
    for (std::uint64_t i = 0; i < kTestLimits.sends; ++i) {
      ASSERT_EQ(hosts.b.receive(i, 100 * i, 8), 0);
      chain.push_back({.id = WorkId{i}, .gather = {&piece, 1}});
    }
    chain.back().signalled = true;
    ASSERT_EQ(hosts.a.pair->post_send(chain), 0);
    expect_only(hosts.sends_of_a(1), kTestLimits.sends - 1, CompletionStatus::kSuccess,
                *hosts.a.pair);
    const std::vector<Completion> received = hosts.receives_of_b(kTestLimits.sends);
    ASSERT_EQ(received.size(), kTestLimits.sends);
    for (std::uint64_t i = 0; i < received.size(); ++i) {
      EXPECT_EQ(received[i].id, WorkId{i}) << "in order";
    }
    hosts.poller.poll_once();
    hosts.poller.expect_no_more();
  }
}

TYPED_TEST(VerbsTest, CompletionsNameTheirQueuePair) {
  Connected hosts(*this->backend_.verbs);
  auto second_a = must(hosts.a.domain->create_queue_pair(kTestLimits));
  auto second_b = must(hosts.b.domain->create_queue_pair(kTestLimits));
  EXPECT_NE(second_a->number(), hosts.a.pair->number());
  must<void>(second_a->connect(second_b->address()));
  must<void>(second_b->connect(second_a->address()));
  ASSERT_EQ(hosts.b.receive(1, 0, 8), 0);
  ASSERT_EQ(second_b->post_receive(WorkId{2}, hosts.b.at(8, 8), hosts.b.region->local_key()), 0);
  const SendRequest request{.id = WorkId{5}, .signalled = true};
  ASSERT_EQ(second_a->post_send({&request, 1}), 0);
  expect_only(hosts.receives_of_b(1), 2, CompletionStatus::kSuccess, *second_b);
  expect_only(hosts.sends_of_a(1), 5, CompletionStatus::kSuccess, *second_a);
  ASSERT_EQ(hosts.a.pair->post_send({&request, 1}), 0);
  expect_only(hosts.receives_of_b(1), 1, CompletionStatus::kSuccess, *hosts.b.pair);
  expect_only(hosts.sends_of_a(1), 5, CompletionStatus::kSuccess, *hosts.a.pair);
}

TYPED_TEST(VerbsTest, TellsOfTheNextCompletion) {
  using std::chrono::milliseconds;
  Connected hosts(*this->backend_.verbs);
  const int event = hosts.b.device->event_fd();
  std::array<Completion, 4> some;
  for (std::uint64_t round = 0; round < 10; ++round) {
    ASSERT_EQ(hosts.b.receive(round, 0, 8), 0);
    ASSERT_EQ(hosts.b.device->arm(), 0);
    ASSERT_EQ(hosts.b.device->poll_receives(some), 0U);
    ASSERT_FALSE(readable(event, milliseconds(0)));
    ASSERT_EQ(hosts.send(round, hosts.a.gather(0, 8)), 0);
    ASSERT_EQ(hosts.sends_of_a_only(), 1U);
    ASSERT_TRUE(readable(event, kTestPatience));
    EXPECT_EQ(hosts.b.device->take_events(), std::nullopt);
    EXPECT_FALSE(readable(event, milliseconds(0)));
    ASSERT_EQ(hosts.b.device->poll_receives(some), 1U);
    // Without arm() there is no notification.
    ASSERT_EQ(hosts.b.receive(round, 0, 8), 0);
    ASSERT_EQ(hosts.send(round, hosts.a.gather(0, 8)), 0);
    expect_only(hosts.receives_of_b(1), round, CompletionStatus::kSuccess, *hosts.b.pair);
    EXPECT_FALSE(readable(event, milliseconds(0)));
    hosts.sends_of_a(1);
  }
}

TYPED_TEST(VerbsTest, TellsOfSendsToo) {
  using std::chrono::milliseconds;
  Connected hosts(*this->backend_.verbs);
  const int event = hosts.a.device->event_fd();
  ASSERT_EQ(hosts.a.device->arm(), 0);
  EXPECT_FALSE(readable(event, milliseconds(0)));
  ASSERT_EQ(hosts.write(1, hosts.a.gather(0, 8), hosts.b.address(0), hosts.b.region->remote_key()),
            0);
  expect_only(hosts.sends_of_a(1), 1, CompletionStatus::kSuccess, *hosts.a.pair);
  EXPECT_TRUE(readable(event, kTestPatience));
  EXPECT_EQ(hosts.a.device->take_events(), std::nullopt);
  EXPECT_FALSE(readable(event, milliseconds(0)));
}

}  // namespace
}  // namespace netbinder::rdma
