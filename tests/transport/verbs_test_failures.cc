// SPDX-License-Identifier: Apache-2.0
//
// The promises of transport/rdma/verbs.h about failures and about destroyed objects.
#include <gtest/gtest.h>

#include "tests/transport/verbs_test_backends.h"

namespace netbinder::rdma {
namespace {

using Kind = SendRequest::Kind;

template <typename Backend>
class VerbsFailureTest : public VerbsTest<Backend> {};
TYPED_TEST_SUITE(VerbsFailureTest, Backends, BackendNames);

TYPED_TEST(VerbsFailureTest, SendWithoutAReceiveFails) {
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

TYPED_TEST(VerbsFailureTest, FailureInTheMiddleOfAChain) {
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

TYPED_TEST(VerbsFailureTest, WritesNeedARegionThatAllowsThem) {
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
    hosts.post_to_be_flushed();
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

TYPED_TEST(VerbsFailureTest, SendsNeedMemoryOfTheirDomain) {
  const auto expect_local_failure = [](Connected& hosts, const Gather& piece) {
    ASSERT_EQ(hosts.send(1, piece), 0);
    const std::vector<Completion> got = hosts.sends_of_a(1);
    // Soft-RoCE does not tell it from those behind it.
    const bool is_soft = std::is_same_v<TypeParam, OfIbverbs> && !got.empty() &&
                         got[0].status == CompletionStatus::kFlushed;
    expect_only(got, 1, is_soft ? CompletionStatus::kFlushed : CompletionStatus::kLocal,
                *hosts.a.pair);
  };
  {
    SCOPED_TRACE("no such key");
    Connected hosts(*this->backend_.verbs);
    ASSERT_EQ(hosts.b.receive(1, 0, 8), 0);
    Gather piece = hosts.a.gather(0, 8);
    piece.key = LocalKey{piece.key.value() ^ 0x00ffff00U};
    expect_local_failure(hosts, piece);
  }
  {
    SCOPED_TRACE("behind the end");
    Connected hosts(*this->backend_.verbs);
    ASSERT_EQ(hosts.b.receive(1, 0, 8), 0);
    Gather piece = hosts.a.gather(TestHost::kMemory - 8, 8);
    piece.data += 1;
    expect_local_failure(hosts, piece);
  }
}

TYPED_TEST(VerbsFailureTest, ReceiveTooSmallFailsBoth) {
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

TYPED_TEST(VerbsFailureTest, PeerThatIsGoneIsNoticed) {
  Connected hosts(*this->backend_.verbs);
  hosts.b.pair.reset();
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(hosts.send(1, hosts.a.gather(0, 8)), 0);
  expect_only(hosts.sends_of_a(1), 1, CompletionStatus::kRetriesExceeded, *hosts.a.pair);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TYPED_TEST(VerbsFailureTest, DestroyingAQueuePairTakesItsCompletions) {
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
  // Only a's sends are polled: b's receives are complete, but nobody has polled them.
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

TYPED_TEST(VerbsFailureTest, DestroyingAQueuePairEndsWrites) {
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

}  // namespace
}  // namespace netbinder::rdma
