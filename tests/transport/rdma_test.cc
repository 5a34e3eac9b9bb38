// SPDX-License-Identifier: Apache-2.0
//
// Tests particular to messages over RDMA: the ways that payloads take, leases, failures of queue
// pairs and devices, and when and why messages go over TCP instead.
#include <gtest/gtest.h>

#include <array>

#include "tests/transport/rdma_cluster.h"
#include "tests/transport/recorder.h"
#include "transport/rdma/limits.h"

namespace netbinder {
namespace {

using rdma::CompletionStatus;
using rdma::SendRequest;

class Rdma : public ::testing::Test {
 protected:
  // Two hosts with a session over RDMA.
  void start() {
    one_ = &cluster_.add(1);
    two_ = &cluster_.add(2);
    cluster_.start();
    ASSERT_TRUE(cluster_.run_until_fastest(*one_, 1, *two_, 2));
  }

  // A call whose payload is where the transport wants it.
  void send_staged(TcpCluster::Host& from, std::uint32_t to, const Received& call) {
    Payload payload = from.new_payload(to, call.payload.size());
    std::ranges::copy(call.payload, payload.data());
    from.send(to, call.message, std::move(payload));
  }

  // Runs until nothing but timers is left.
  void settle() {
    int idle = 0;
    while (idle < 3) {
      const bool moved = cluster_.io().poll() > 0 || cluster_.memory_verbs.step();
      idle = moved || !one_->arm() || !two_->arm() ? 0 : idle + 1;
    }
  }

  void expect_nothing_left() {
    for (auto* host : {one_, two_}) {
      for (auto& [peer, seen] : host->recorder.peers) EXPECT_TRUE(seen.leases.empty());
      host->stop();
    }
    cluster_.io().poll();
    EXPECT_EQ(cluster_.memory_verbs.usage().queue_pairs, 0U);
    EXPECT_EQ(cluster_.memory_verbs.usage().registered_bytes, 0U);
    EXPECT_EQ(cluster_.memory_verbs.misuse(), rdma::MemoryVerbs::Misuse{});
  }

  RdmaCluster cluster_;
  TcpCluster::Host* one_ = nullptr;
  TcpCluster::Host* two_ = nullptr;
};

TEST_F(Rdma, LargePayloadsAreWrittenToTheirPlaceAndSmallOnesCopied) {
  start();
  std::vector<Received> sent;
  std::uint64_t large = 0;
  std::uint64_t small = 0;
  for (const std::uint64_t size : {0U, 1U, 64U, 4000U, 4096U, 4097U, 65536U, 1000001U, 4194304U}) {
    sent.push_back(numbered_call(sent.size() + 1, size));
    const std::uint64_t bytes = sent.back().payload.size();
    (bytes >= rdma::kLeasedPayloadBytes ? large : small) += bytes;
    send_staged(*one_, 2, sent.back());
  }
  one_->flush();
  ASSERT_TRUE(cluster_.run_until([&] { return two_->messages(1).size() == sent.size(); }));
  EXPECT_TRUE(two_->messages(1) == sent);
  const auto status = one_->status(2);
  EXPECT_EQ(status.payload_bytes_written, large);
  EXPECT_EQ(status.payload_bytes_copied, small);
  const auto there = two_->status(1);
  EXPECT_EQ(there.payload_bytes_written_here, large);
  EXPECT_EQ(there.payload_bytes_copied_here, small);
  // No space that was lent ahead stays lent.
  EXPECT_TRUE(cluster_.run_until([&] { return two_->peer(1).leases.empty(); }));
  expect_nothing_left();
}

TEST_F(Rdma, ASmallCallIsOneSendWithOneDoorbellForEachHost) {
  start();
  settle();
  constexpr std::size_t kCalls = 200;
  const auto before = std::array{cluster_.memory_verbs.posted(0), cluster_.memory_verbs.posted(1)};
  for (std::size_t i = 1; i <= kCalls; ++i) {
    for (const bool there : {true, false}) {  // the answer is as large as the call
      send_staged(there ? *one_ : *two_, there ? 2 : 1, numbered_call(i, 64));
      (there ? one_ : two_)->flush();
      settle();
      ASSERT_EQ((there ? two_ : one_)->messages(there ? 1 : 2).size(), i);
    }
  }
  for (const std::size_t host : {0U, 1U}) {
    const auto after = cluster_.memory_verbs.posted(host);
    EXPECT_EQ(after.requests - before[host].requests, kCalls) << "of host " << host;
    EXPECT_EQ(after.doorbells - before[host].doorbells, kCalls) << "of host " << host;
  }
  expect_nothing_left();
}

TEST_F(Rdma, AStreamOfLargePayloadsHasItsLeasesAhead) {
  start();
  const auto to_one_node = [&](std::uint64_t number) {
    Received call = numbered_call(number, 65536);
    std::get<peer::Call>(call.message).target = NodeNumber(5);
    const auto before = two_->messages(1).size();
    send_staged(*one_, 2, call);
    one_->flush();
    settle();
    ASSERT_GT(two_->messages(1).size(), before);
  };
  for (std::uint64_t i = 1; i <= 10; ++i) to_one_node(i);
  // The first call's process was not known yet, and for the second nothing had been requested.
  EXPECT_EQ(two_->recorder.leases_given - two_->recorder.leases_ahead, 2U);
  EXPECT_EQ(two_->recorder.leases_ahead, 9U);
  EXPECT_TRUE(cluster_.run_until([&] { return two_->peer(1).leases.empty(); }));
  expect_nothing_left();
}

TEST_F(Rdma, WithoutALeaseThePayloadComesInSegments) {
  start();
  two_->recorder.gives_leases = false;
  std::vector<Received> sent;
  for (const std::uint64_t size : {4096U, 100000U, 4194304U, 10U}) {
    sent.push_back(numbered_call(sent.size() + 1, size));
    send_staged(*one_, 2, sent.back());
  }
  one_->flush();
  ASSERT_TRUE(cluster_.run_until([&] { return two_->messages(1).size() == sent.size(); }));
  EXPECT_TRUE(two_->messages(1) == sent);
  EXPECT_EQ(one_->status(2).payload_bytes_written, 0U);
  // From where they were put; only the small one is copied.
  EXPECT_EQ(one_->status(2).payload_bytes_copied, sent.back().payload.size());
  expect_nothing_left();
}

TEST_F(Rdma, MemoryThatMayNotBeRegisteredSendsPayloadsInSegments) {
  start();
  cluster_.memory_verbs.fail_next_registration(1, "no more: RLIMIT_MEMLOCK");
  send_staged(*one_, 2, numbered_call(1, 65536));
  one_->flush();
  ASSERT_TRUE(cluster_.run_until([&] { return two_->messages(1).size() == 1; }));
  EXPECT_EQ(two_->status(1).payload_bytes_written_here, 0U);
  send_staged(*one_, 2, numbered_call(2, 65536));
  one_->flush();
  ASSERT_TRUE(cluster_.run_until([&] { return two_->messages(1).size() == 2; }));
  EXPECT_EQ(two_->status(1).payload_bytes_written_here, 65536U);
  EXPECT_EQ(two_->messages(1)[1], numbered_call(2, 65536));
  expect_nothing_left();
}

TEST_F(Rdma, AFailedQueuePairFallsBackToTcpAndComesBack) {
  for (const auto status : {CompletionStatus::kFlushed, CompletionStatus::kRetriesExceeded,
                            CompletionStatus::kReceiverNotReady, CompletionStatus::kRemoteAccess,
                            CompletionStatus::kLocal, CompletionStatus::kOther}) {
    for (const auto kind : {SendRequest::Kind::kSend, SendRequest::Kind::kWrite}) {
      for (const bool executed : {false, true}) {
        SCOPED_TRACE(to_string(status));
        RdmaCluster cluster;
        auto& one = cluster.add(1);
        auto& two = cluster.add(2);
        cluster.start();
        ASSERT_TRUE(cluster.run_until_fastest(one, 1, two, 2));
        std::vector<Received> sent;
        cluster.memory_verbs.fail_next_send(0, kind, status, executed);
        for (std::uint64_t i = 1; i <= 20; ++i) {
          sent.push_back(numbered_call(i, i % 3 == 0 ? 50000 : 100));
          send_staged(one, 2, sent.back());
          send_staged(two, 1, sent.back());
        }
        one.flush();
        two.flush();
        ASSERT_TRUE(cluster.run_until([&] {
          return two.messages(1).size() == sent.size() && one.messages(2).size() == sent.size();
        }));
        EXPECT_TRUE(two.messages(1) == sent);
        EXPECT_TRUE(one.messages(2) == sent);
        EXPECT_EQ(one.peer(2).losses + two.peer(1).losses, 0);
        EXPECT_GE(one.status(2).reconnects + two.status(1).reconnects, 1U);
        EXPECT_TRUE(cluster.run_until_fastest(one, 1, two, 2));
        EXPECT_EQ(cluster.memory_verbs.misuse(), rdma::MemoryVerbs::Misuse{});
      }
    }
  }
}

// Messages that the queue pair did not take must not go over the connection as it closes: they
// would arrive ahead of those that the queue pair lost.
TEST_F(Rdma, AFailedQueuePairLeavesWhatWaitsToTheNextLink) {
  for (const auto status : {CompletionStatus::kRetriesExceeded, CompletionStatus::kLocal}) {
    RdmaCluster cluster;
    auto& one = cluster.add(1);
    auto& two = cluster.add(2);
    cluster.start();
    ASSERT_TRUE(cluster.run_until_fastest(one, 1, two, 2));
    // Many more than there is credit for.
    cluster.memory_verbs.fail_next_send(0, SendRequest::Kind::kSend, status);
    constexpr std::uint64_t kMessages = 500;
    for (std::uint64_t i = 1; i <= kMessages; ++i) one.send(2, numbered_call(i, 100));
    one.flush();
    ASSERT_TRUE(cluster.run_until(
        [&] { return two.messages(1).size() == kMessages || one.peer(2).losses > 0; }));
    EXPECT_EQ(one.peer(2).losses + two.peer(1).losses, 0);
  }
}

TEST_F(Rdma, AReceiveThatFailsFallsBackToTcp) {
  start();
  cluster_.memory_verbs.fail_next_receive(1, CompletionStatus::kLocal);
  for (std::uint64_t i = 1; i <= 5; ++i) one_->send(2, numbered_call(i, 100));
  one_->flush();
  ASSERT_TRUE(cluster_.run_until([&] { return two_->messages(1).size() == 5; }));
  EXPECT_EQ(one_->peer(2).losses + two_->peer(1).losses, 0);
  EXPECT_TRUE(cluster_.run_until_fastest(*one_, 1, *two_, 2));
  expect_nothing_left();
}

TEST_F(Rdma, ALostDeviceFallsBackToTcpAndIsOpenedAgain) {
  start();
  cluster_.memory_verbs.make_fatal(0, "the device is gone");
  for (std::uint64_t i = 1; i <= 5; ++i) {
    send_staged(*one_, 2, numbered_call(i, 5000));
    send_staged(*two_, 1, numbered_call(i, 5000));
  }
  one_->flush();
  two_->flush();
  ASSERT_TRUE(cluster_.run_until(
      [&] { return two_->messages(1).size() == 5 && one_->messages(2).size() == 5; }));
  EXPECT_EQ(one_->peer(2).losses + two_->peer(1).losses, 0);
  EXPECT_TRUE(cluster_.run_until_fastest(*one_, 1, *two_, 2));
  EXPECT_EQ(cluster_.memory_verbs.opened(), 3U);
  expect_nothing_left();
}

TEST_F(Rdma, WithoutADeviceMessagesGoOverTcpAndTheStatusSaysWhy) {
  cluster_.configure = [](TransportConfig& config) { config.rdma.use = RdmaUse::kIfPossible; };
  one_ = &cluster_.add(1);
  two_ = &cluster_.add(2);
  cluster_.without_device = {2};
  cluster_.start();
  ASSERT_TRUE(cluster_.run_until([&] {
    return one_->sees(2) && two_->sees(1) && two_->status(1).transport_reason == "no RDMA device" &&
           one_->status(2).transport_reason == "host 'host2': no RDMA device";
  })) << one_->status(2).transport_reason
      << "|" << two_->status(1).transport_reason;
  one_->send(2, numbered_call(1, 100000));
  one_->flush();
  ASSERT_TRUE(cluster_.run_until([&] { return two_->messages(1).size() == 1; }));
  EXPECT_EQ(one_->status(2).transport, "tcp");
  expect_nothing_left();
}

TEST_F(Rdma, ADeviceThatComesLaterIsUsed) {
  for (const std::set<std::size_t>& missing :
       {std::set<std::size_t>{1, 2}, std::set<std::size_t>{1}, std::set<std::size_t>{2}}) {
    SCOPED_TRACE(missing.size() * 10 + *missing.begin());
    RdmaCluster cluster;
    cluster.configure = [](TransportConfig& config) { config.rdma.use = RdmaUse::kIfPossible; };
    auto& one = cluster.add(1);
    auto& two = cluster.add(2);
    cluster.without_device = missing;
    cluster.start();
    ASSERT_TRUE(cluster.run_until([&] {
      return one.sees(2) && two.sees(1) &&
             one.status(2).transport_reason.ends_with("no RDMA device") &&
             two.status(1).transport_reason.ends_with("no RDMA device");
    }));
    one.send(2, numbered_call(1, 100000));
    one.flush();
    ASSERT_TRUE(cluster.run_until([&] { return two.messages(1).size() == 1; }));
    cluster.without_device.clear();
    ASSERT_TRUE(cluster.run_until_fastest(one, 1, two, 2));
    one.send(2, numbered_call(2, 100000));
    one.flush();
    ASSERT_TRUE(cluster.run_until([&] { return two.messages(1).size() == 2; }));
    EXPECT_EQ(one.peer(2).losses + two.peer(1).losses, 0);
    // Nothing was offered on that link yet, or a new link is needed.
    EXPECT_EQ(two.status(1).reconnects, missing.size() == 2 ? 0U : 1U);
    EXPECT_EQ(cluster.memory_verbs.misuse(), rdma::MemoryVerbs::Misuse{});
  }
}

TEST_F(Rdma, RequiredWithoutADeviceIsAnError) {
  cluster_.add(1);
  cluster_.memory_verbs.fail_next_open("no RDMA device");
  try {
    cluster_.start();
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "RDMA is required: no RDMA device");
  }
}

TEST_F(Rdma, AnEndedSessionEndsItsLeasesAndRegistrations) {
  start();
  std::vector<Received> sent;
  for (std::uint64_t i = 1; i <= 3; ++i) send_staged(*one_, 2, numbered_call(i, 65536));
  one_->flush();
  ASSERT_TRUE(cluster_.run_until([&] { return two_->messages(1).size() == 3; }));
  two_->give_up(1);
  ASSERT_TRUE(cluster_.run_until([&] { return one_->peer(2).losses == 1; }));
  EXPECT_TRUE(two_->peer(1).leases.empty());
  ASSERT_TRUE(cluster_.run_until_fastest(*one_, 1, *two_, 2));
  expect_nothing_left();
}

TEST_F(Rdma, AnArenaThatGoesIsRegisteredNoLonger) {
  start();
  const auto before = cluster_.memory_verbs.usage().registered_bytes;
  send_staged(*one_, 2, numbered_call(1, 65536));
  one_->flush();
  ASSERT_TRUE(cluster_.run_until([&] { return two_->messages(1).size() == 1; }));
  const auto arena = two_->recorder.arena();
  EXPECT_EQ(cluster_.memory_verbs.usage().registered_bytes, before + arena.size());
  two_->memory_ends(arena);
  EXPECT_EQ(cluster_.memory_verbs.usage().registered_bytes, before);
  expect_nothing_left();
}

TEST_F(Rdma, BeyondTheLimitOfRegisteredMemoryPayloadsComeInSegments) {
  cluster_.configure = [](TransportConfig& config) {
    config.rdma.staging_bytes = 1U << 20;
    config.rdma.max_registered_bytes = 3U << 20;  // less than the recorder's arena
  };
  start();
  send_staged(*one_, 2, numbered_call(1, 65536));
  one_->flush();
  ASSERT_TRUE(cluster_.run_until([&] { return two_->messages(1).size() == 1; }));
  EXPECT_EQ(two_->messages(1)[0], numbered_call(1, 65536));
  EXPECT_EQ(two_->status(1).payload_bytes_written_here, 0U);
  expect_nothing_left();
}

TEST_F(Rdma, BeyondItsStagingPayloadsAreCopied) {
  cluster_.configure = [](TransportConfig& config) { config.rdma.staging_bytes = 256U << 10; };
  start();
  std::vector<Received> sent;
  std::uint64_t bytes = 0;
  for (std::uint64_t i = 1; i <= 5; ++i) {
    sent.push_back(numbered_call(i, 100000));
    bytes += sent.back().payload.size();
    send_staged(*one_, 2, sent.back());
  }
  one_->flush();
  ASSERT_TRUE(cluster_.run_until([&] { return two_->messages(1).size() == sent.size(); }));
  EXPECT_TRUE(two_->messages(1) == sent);
  const auto status = one_->status(2);
  EXPECT_EQ(status.payload_bytes_written, 2 * sent.front().payload.size());
  EXPECT_EQ(status.payload_bytes_copied, bytes - status.payload_bytes_written);
  expect_nothing_left();
}

TEST_F(Rdma, ManySmallMessagesOneWayNeedNothingButCredit) {
  start();
  constexpr std::uint64_t kMessages = 5000;
  for (std::uint64_t i = 1; i <= kMessages; ++i) one_->send(2, numbered_call(i, i % 700));
  one_->flush();
  ASSERT_TRUE(cluster_.run_until([&] { return two_->messages(1).size() == kMessages; }));
  for (std::uint64_t i = 1; i <= kMessages; ++i) {
    ASSERT_EQ(two_->messages(1)[i - 1], numbered_call(i, i % 700));
  }
  EXPECT_EQ(one_->peer(2).losses, 0);
  EXPECT_EQ(one_->status(2).reconnects, 0U);
  expect_nothing_left();
}

TEST_F(Rdma, LargeMessagesBothWaysAtOnceDoNotBlockEachOther) {
  start();
  one_->recorder.gives_leases = two_->recorder.gives_leases = false;
  for (std::uint64_t i = 1; i <= 5; ++i) {
    send_staged(*one_, 2, numbered_call(i, 3000000));
    send_staged(*two_, 1, numbered_call(i, 3000000));
  }
  one_->flush();
  two_->flush();
  ASSERT_TRUE(cluster_.run_until(
      [&] { return two_->messages(1).size() == 5 && one_->messages(2).size() == 5; }));
  expect_nothing_left();
}

}  // namespace
}  // namespace netbinder
