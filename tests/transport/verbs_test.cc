// SPDX-License-Identifier: Apache-2.0
//
// What transport/rdma/verbs.h promises, on the device made of memory, and on a real one if this
// machine has one: tests/guest/rdma_guest gives it one.
#include "transport/rdma/verbs.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "tests/transport/memory_verbs.h"
#include "tests/transport/verbs_test_host.h"

namespace netbinder::rdma {
namespace {

using Kind = SendRequest::Kind;

// Another one each time, so that --gtest_repeat tries other orders.
std::uint64_t next_seed = 0;

template <MemoryVerbsOptions::Execution execution>
struct OfMemory {
  std::unique_ptr<MemoryVerbs> verbs = std::make_unique<MemoryVerbs>(
      MemoryVerbsOptions{.execution = execution, .seed = ++next_seed});
  static std::string missing() { return {}; }
  void finish() const {
    EXPECT_EQ(verbs->usage(), kNothingInUse);
    EXPECT_EQ(verbs->misuse().changed_sends, 0U);
  }
};

template <typename Backend>
class VerbsTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string missing = Backend::missing();
    if (missing.empty()) {
      return;
    }
    if (std::getenv("NETBINDER_REQUIRE_RDMA") != nullptr) {
      FAIL() << "NETBINDER_REQUIRE_RDMA is set, but: " << missing;
    }
    GTEST_SKIP() << "************ NOT TESTED ON A REAL RDMA DEVICE: " << missing
                 << " (tests/guest/rdma_guest gives it one)";
  }
  void TearDown() override { backend_.finish(); }

  Backend backend_;
};

using Backends = testing::Types<OfMemory<MemoryVerbsOptions::Execution::kAtOnce>,
                                OfMemory<MemoryVerbsOptions::Execution::kLazily>>;
struct Names {
  template <typename Backend>
  static std::string GetName(int index) {
    return std::array{"AtOnce", "Lazily", "Ibverbs"}[index];
  }
};
TYPED_TEST_SUITE(VerbsTest, Backends, Names);

// Two hosts, connected, with the poller of their devices.
struct Connected {
  explicit Connected(Verbs& verbs, const QueuePairLimits& limits = kTestLimits)
      : a(verbs, limits), b(verbs, limits), poller(*a.device, *b.device) {
    connect(a, b);
  }
  static constexpr std::size_t kA = 0, kB = 1;
  std::vector<Completion> sends_of_a(std::size_t count) { return poller.sends(kA, count); }
  std::vector<Completion> receives_of_a(std::size_t count) { return poller.receives(kA, count); }
  std::vector<Completion> sends_of_b(std::size_t count) { return poller.sends(kB, count); }
  std::vector<Completion> receives_of_b(std::size_t count) { return poller.receives(kB, count); }

  // A signalled one, from a.
  int send(std::uint64_t id, const Gather& gather) {
    const SendRequest request{.id = WorkId{id}, .gather = {&gather, 1}, .signalled = true};
    return a.pair->post_send({&request, 1});
  }
  int write(std::uint64_t id, const Gather& gather, std::uint64_t address, RemoteKey key) {
    const SendRequest request{.kind = Kind::kWrite,
                              .id = WorkId{id},
                              .gather = {&gather, 1},
                              .remote_address = address,
                              .remote_key = key,
                              .signalled = true};
    return a.pair->post_send({&request, 1});
  }
  // How many there are without looking at b.
  std::size_t sends_of_a_only() {
    std::array<Completion, 4> some;
    std::size_t count = 0;
    const auto end = std::chrono::steady_clock::now() + kTestPatience;
    while (count == 0 && std::chrono::steady_clock::now() < end) {
      count = a.device->poll_sends(some);
    }
    return count;
  }
  // Both ends say that they are of no use any more.
  void expect_both_failed() {
    ASSERT_EQ(a.receive(901, 0, 16), 0);
    const std::vector<Completion> at_a = receives_of_a(1);
    ASSERT_EQ(at_a.size(), 1U);
    EXPECT_EQ(at_a[0].status, CompletionStatus::kFlushed);
    ASSERT_EQ(b.receive(902, 0, 16), 0);
    for (;;) {
      const std::vector<Completion> at_b = receives_of_b(1);
      ASSERT_EQ(at_b.size(), 1U);
      EXPECT_EQ(at_b[0].status, CompletionStatus::kFlushed);
      if (at_b[0].id == WorkId{902}) {
        break;
      }
    }
  }

  TestHost a, b;
  TestPoller poller;
};

void expect_only(const std::vector<Completion>& got, std::uint64_t id, CompletionStatus status,
                 const QueuePair& pair) {
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].id, WorkId{id});
  EXPECT_STREQ(to_string(got[0].status), to_string(status));
  EXPECT_EQ(got[0].queue_pair, pair.number());
}

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

TYPED_TEST(VerbsTest, SendWithoutAReceiveFails) {
  Connected hosts(*this->backend_.verbs);
  ASSERT_EQ(hosts.a.receive(9, 0, 8), 0);
  const Gather piece = hosts.a.gather(0, 8);
  const std::array<SendRequest, 2> chain{SendRequest{.id = WorkId{1}, .gather = {&piece, 1}},
                                         SendRequest{.id = WorkId{2}, .gather = {&piece, 1}}};
  ASSERT_EQ(hosts.a.pair->post_send(chain), 0);
  const std::vector<Completion> failed = hosts.sends_of_a(2);
  ASSERT_EQ(failed.size(), 2U);
  EXPECT_EQ(failed[0].id, WorkId{1});
  EXPECT_STREQ(to_string(failed[0].status), to_string(CompletionStatus::kReceiverNotReady));
  EXPECT_EQ(failed[1].id, WorkId{2});
  EXPECT_STREQ(to_string(failed[1].status), to_string(CompletionStatus::kFlushed));
  expect_only(hosts.receives_of_a(1), 9, CompletionStatus::kFlushed, *hosts.a.pair);
  // The rest is flushed as well.
  ASSERT_EQ(hosts.send(3, piece), 0);
  expect_only(hosts.sends_of_a(1), 3, CompletionStatus::kFlushed, *hosts.a.pair);
}

TYPED_TEST(VerbsTest, FailureInTheMiddleOfAChain) {
  Connected hosts(*this->backend_.verbs);
  hosts.a.put(0, "12345678");
  const Gather piece = hosts.a.gather(0, 8);
  std::array<SendRequest, 3> chain;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    chain[i] = {.kind = Kind::kWrite,
                .id = WorkId{i},
                .gather = {&piece, 1},
                .remote_address = hosts.b.address(100 * i),
                .remote_key = hosts.b.region->remote_key(),
                .signalled = i == 0};
  }
  chain[1].remote_address = hosts.b.address(TestHost::kMemory - 7);
  ASSERT_EQ(hosts.a.pair->post_send(chain), 0);
  const std::vector<Completion> got = hosts.sends_of_a(3);
  ASSERT_EQ(got.size(), 3U);
  EXPECT_STREQ(to_string(got[0].status), to_string(CompletionStatus::kSuccess));
  EXPECT_STREQ(to_string(got[1].status), to_string(CompletionStatus::kRemoteAccess));
  EXPECT_STREQ(to_string(got[2].status), to_string(CompletionStatus::kFlushed));
  EXPECT_EQ(hosts.b.text(0, 8), "12345678");
  EXPECT_EQ(hosts.b.text(200, 8), std::string(8, '\0'));
}

TYPED_TEST(VerbsTest, WritesNeedARegionThatAllowsThem) {
  const auto refused = [&](auto&& spoil) {
    Connected hosts(*this->backend_.verbs);
    auto local = must(hosts.b.domain->register_memory(hosts.b.at(0, 4096), Access::kLocal));
    auto other_domain = must(hosts.b.device->create_protection_domain());
    auto other = must(other_domain->register_memory(hosts.b.at(0, 4096), Access::kRemoteWrite));
    auto gone = must(hosts.b.domain->register_memory(hosts.b.at(0, 4096), Access::kRemoteWrite));
    std::uint64_t address = hosts.b.address(16);
    RemoteKey key = hosts.b.region->remote_key();
    spoil(hosts, address, key, local->remote_key(), other->remote_key(), gone->remote_key());
    gone.reset();
    hosts.a.put(0, "overwritten!");
    ASSERT_EQ(hosts.write(1, hosts.a.gather(0, 12), address, key), 0);
    expect_only(hosts.sends_of_a(1), 1, CompletionStatus::kRemoteAccess, *hosts.a.pair);
    EXPECT_EQ(hosts.b.text(16, 12), std::string(12, '\0'));
    hosts.expect_both_failed();
  };
  const auto end = TestHost::kMemory;
  {
    SCOPED_TRACE("no such key");
    refused(
        [](auto&, auto&, RemoteKey& key, auto...) { key = RemoteKey{key.value() ^ 0x00ffff00U}; });
  }
  {
    SCOPED_TRACE("behind the end");
    refused([&](Connected& hosts, auto& address, auto&, auto...) {
      address = hosts.b.address(0) + end - 11;
    });
  }
  {
    SCOPED_TRACE("before the beginning");
    refused(
        [](Connected& hosts, auto& address, auto&, auto...) { address = hosts.b.address(0) - 1; });
  }
  {
    SCOPED_TRACE("registered for local access only");
    refused([](auto&, auto&, RemoteKey& key, RemoteKey local, auto...) { key = local; });
  }
  {
    SCOPED_TRACE("another protection domain");
    refused([](auto&, auto&, RemoteKey& key, RemoteKey, RemoteKey other, auto...) { key = other; });
  }
  {
    SCOPED_TRACE("not registered any more");
    refused([](auto&, auto&, RemoteKey& key, RemoteKey, RemoteKey, RemoteKey gone) { key = gone; });
  }
}

TYPED_TEST(VerbsTest, SendsNeedMemoryOfTheirDomain) {
  {
    SCOPED_TRACE("no such key");
    Connected hosts(*this->backend_.verbs);
    ASSERT_EQ(hosts.b.receive(1, 0, 8), 0);
    Gather piece = hosts.a.gather(0, 8);
    piece.key = LocalKey{piece.key.value() ^ 0x00ffff00U};
    // A device may see that at once.
    if (hosts.send(1, piece) == 0) {
      expect_only(hosts.sends_of_a(1), 1, CompletionStatus::kLocal, *hosts.a.pair);
    }
  }
  {
    SCOPED_TRACE("behind the end");
    Connected hosts(*this->backend_.verbs);
    ASSERT_EQ(hosts.b.receive(1, 0, 8), 0);
    Gather piece = hosts.a.gather(TestHost::kMemory - 8, 8);
    piece.data += 1;
    if (hosts.send(1, piece) == 0) {
      expect_only(hosts.sends_of_a(1), 1, CompletionStatus::kLocal, *hosts.a.pair);
    }
  }
}

TYPED_TEST(VerbsTest, ReceiveTooSmallFailsBoth) {
  Connected hosts(*this->backend_.verbs);
  ASSERT_EQ(hosts.b.receive(1, 0, 7), 0);
  ASSERT_EQ(hosts.b.receive(2, 100, 8), 0);
  ASSERT_EQ(hosts.send(3, hosts.a.gather(0, 8)), 0);
  const std::vector<Completion> received = hosts.receives_of_b(2);
  ASSERT_EQ(received.size(), 2U);
  EXPECT_STREQ(to_string(received[0].status), to_string(CompletionStatus::kLocal));
  EXPECT_STREQ(to_string(received[1].status), to_string(CompletionStatus::kFlushed));
  expect_only(hosts.sends_of_a(1), 3, CompletionStatus::kOther, *hosts.a.pair);
}

TYPED_TEST(VerbsTest, PeerThatIsGoneIsNoticed) {
  Connected hosts(*this->backend_.verbs);
  hosts.b.pair.reset();
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(hosts.send(1, hosts.a.gather(0, 8)), 0);
  expect_only(hosts.sends_of_a(1), 1, CompletionStatus::kRetriesExceeded, *hosts.a.pair);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TYPED_TEST(VerbsTest, DestroyingAQueuePairTakesItsCompletions) {
  Connected hosts(*this->backend_.verbs);
  auto second_a = must(hosts.a.domain->create_queue_pair(kTestLimits));
  auto second_b = must(hosts.b.domain->create_queue_pair(kTestLimits));
  must<void>(second_a->connect(second_b->address()));
  must<void>(second_b->connect(second_a->address()));
  ASSERT_EQ(hosts.b.receive(1, 0, 8), 0);
  ASSERT_EQ(hosts.b.receive(2, 8, 8), 0);
  ASSERT_EQ(second_b->post_receive(WorkId{3}, hosts.b.at(16, 8), hosts.b.region->local_key()), 0);
  ASSERT_EQ(hosts.send(1, hosts.a.gather(0, 8)), 0);
  const SendRequest request{.id = WorkId{2}, .signalled = true};
  ASSERT_EQ(second_a->post_send({&request, 1}), 0);
  ASSERT_EQ(hosts.send(3, hosts.a.gather(0, 8)), 0);
  // Only a's sends are polled: b's receives are complete, but nobody has seen it.
  std::array<Completion, 4> some;
  std::size_t count = 0;
  const auto end = std::chrono::steady_clock::now() + kTestPatience;
  while (count < 3 && std::chrono::steady_clock::now() < end) {
    count += hosts.a.device->poll_sends(some);
  }
  ASSERT_EQ(count, 3U);
  hosts.b.pair.reset();
  expect_only(hosts.receives_of_b(1), 3, CompletionStatus::kSuccess, *second_b);
  hosts.poller.poll_once();
  hosts.poller.expect_no_more();
}

TYPED_TEST(VerbsTest, DestroyingAQueuePairEndsWrites) {
  Connected hosts(*this->backend_.verbs);
  hosts.a.put(0, std::string(500'000, 'w'));
  const Gather piece = hosts.a.gather(0, 500'000);
  for (std::uint64_t i = 0; i < 8; ++i) {
    ASSERT_EQ(hosts.write(i, piece, hosts.b.address(0), hosts.b.region->remote_key()), 0);
  }
  hosts.poller.poll_once();
  hosts.b.pair.reset();
  std::memset(hosts.b.memory.data(), 0, hosts.b.memory.size());
  const std::vector<Completion> all = hosts.sends_of_a(8);
  ASSERT_EQ(all.size(), 8U);
  EXPECT_EQ(hosts.b.text(0, 500'000), std::string(500'000, '\0'));
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
    // Not armed: not told.
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
