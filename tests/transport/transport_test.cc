// SPDX-License-Identifier: Apache-2.0
//
// The rules for every Transport, run on each implementation. A fixture provides clusters of
// transports in one event loop and lets a test cut their links (cluster.h).
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <string>

#include "tests/transport/rdma_cluster.h"
#include "tests/transport/recorder.h"
#include "tests/transport/sim_cluster.h"
#include "tests/transport/tcp_cluster.h"
#include "tests/transport/test_certificates.h"

namespace netbinder {
namespace {

template <typename Cluster>
class TransportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if constexpr (requires { Cluster::missing(); }) {
      const std::string missing = Cluster::missing();
      if (missing.empty()) return;
      if (std::getenv("NETBINDER_REQUIRE_RDMA") != nullptr) {
        FAIL() << "NETBINDER_REQUIRE_RDMA is set, but: " << missing;
      }
      GTEST_SKIP() << "************ NOT TESTED ON A REAL RDMA DEVICE: " << missing
                   << " (tests/guest/rdma_guest gives it one)";
    }
  }

  Cluster cluster_;
};

class TlsCluster : public TcpCluster {
 public:
  TlsCluster() {
    of_cluster = [this](TransportConfig& config) {
      config.tls = certificates_.issue(config.host_name);
    };
  }

 private:
  TestCertificates certificates_;
};

using Clusters = ::testing::Types<TcpCluster, TlsCluster, RdmaCluster, RealRdmaCluster, SimCluster>;
struct ClusterNames {
  template <typename Cluster>
  static std::string GetName(int index) {
    return std::array{"Tcp", "Tls", "Rdma", "RealRdma", "Sim"}[index];
  }
};
TYPED_TEST_SUITE(TransportTest, Clusters, ClusterNames);

TYPED_TEST(TransportTest, MessagesGoBothWays) {
  auto& cluster = this->cluster_;
  auto& one = cluster.add(1);
  auto& two = cluster.add(2);
  cluster.start();
  ASSERT_TRUE(cluster.run_until_fastest(one, 1, two, 2));

  one.send(2, {peer::NodeDied{NodeNumber(5)}, {}});
  two.send(1, numbered_call(9, 100));
  one.flush();
  two.flush();
  ASSERT_TRUE(cluster.run_until(
      [&] { return one.messages(2).size() == 1 && two.messages(1).size() == 1; }));
  EXPECT_EQ(one.messages(2)[0], numbered_call(9, 100));
  EXPECT_EQ(two.messages(1)[0], (Received{peer::NodeDied{NodeNumber(5)}, {}}));
}

TYPED_TEST(TransportTest, ThreeHostsTalkToEachOther) {
  auto& cluster = this->cluster_;
  auto& one = cluster.add(1);
  auto& two = cluster.add(2);
  auto& three = cluster.add(3);
  cluster.start();
  ASSERT_TRUE(cluster.run_until([&] {
    return one.sees(2) && one.sees(3) && two.sees(1) && two.sees(3) && three.sees(1) &&
           three.sees(2);
  }));
  EXPECT_EQ(one.peer(3).incarnation, Incarnation(103));
  EXPECT_EQ(three.peer(2).incarnation, Incarnation(102));
  three.send(1, numbered_call(1, 10));
  two.send(3, numbered_call(2, 20));
  one.send(2, numbered_call(3, 30));
  for (auto* host : {&one, &two, &three}) host->flush();
  ASSERT_TRUE(cluster.run_until([&] {
    return one.messages(3).size() == 1 && three.messages(2).size() == 1 &&
           two.messages(1).size() == 1;
  }));
  EXPECT_EQ(three.messages(2)[0], numbered_call(2, 20));
}

TYPED_TEST(TransportTest, PayloadsOfAllSizesLandByteForByte) {
  auto& cluster = this->cluster_;
  auto& one = cluster.add(1);
  auto& two = cluster.add(2);
  cluster.start();
  ASSERT_TRUE(cluster.run_until_fastest(one, 1, two, 2));
  std::vector<Received> sent;
  for (const std::uint64_t size : {0ULL, 1ULL, 7ULL, 8ULL, 9ULL, 4096ULL, 65515ULL, 65536ULL,
                                   65537ULL, 1000000ULL, 3145728ULL, 0ULL, 5ULL, 4194304ULL}) {
    sent.push_back(numbered_call(sent.size() + 1, size));
    sent.push_back({peer::NodeDied{NodeNumber(sent.size() + 1)}, {}});
  }
  for (const auto& message : sent) one.send(2, message);
  for (const auto& message : sent) two.send(1, message);
  one.flush();
  two.flush();
  ASSERT_TRUE(cluster.run_until([&] {
    return one.messages(2).size() == sent.size() && two.messages(1).size() == sent.size();
  }));
  EXPECT_TRUE(one.messages(2) == sent);
  EXPECT_TRUE(two.messages(1) == sent);
  // Everything is acknowledged, so nothing is held any more.
  EXPECT_TRUE(cluster.run_until([&] {
    return one.status(2).unacknowledged_bytes == 0 && two.status(1).unacknowledged_bytes == 0;
  }));
  const auto status = one.status(2);
  EXPECT_EQ(status.state, "established");
  EXPECT_EQ(status.messages_sent, sent.size());
  EXPECT_EQ(status.messages_received, sent.size());
  EXPECT_GT(status.bytes_received, 8U << 20);
}

TYPED_TEST(TransportTest, PayloadsNobodyWantsAreReadAndForgotten) {
  auto& cluster = this->cluster_;
  auto& one = cluster.add(1);
  auto& two = cluster.add(2);
  cluster.start();
  ASSERT_TRUE(cluster.run_until_fastest(one, 1, two, 2));
  two.recorder.discard_payloads = true;
  for (const std::uint64_t size : {0ULL, 100ULL, 2000000ULL, 8ULL}) {
    one.send(2, numbered_call(size, size));
  }
  one.send(2, {peer::NodeDied{NodeNumber(1)}, {}});
  one.flush();
  ASSERT_TRUE(cluster.run_until([&] { return two.messages(1).size() == 5; }));
  EXPECT_EQ(two.messages(1)[2].message, numbered_call(2000000, 2000000).message);
}

TYPED_TEST(TransportTest, NothingArrivesFromInsideSend) {
  auto& cluster = this->cluster_;
  auto& one = cluster.add(1);
  auto& two = cluster.add(2);
  cluster.start();
  ASSERT_TRUE(cluster.run_until_fastest(one, 1, two, 2));
  // Answers from inside the event, back and forth.
  int rounds = 0;
  bool sending = false;
  const auto answer = [&](auto& host, std::uint32_t peer) {
    return [&, peer](HostId, const Received& message) {
      EXPECT_FALSE(sending);
      if (++rounds > 200) return;
      sending = true;
      host.send(peer, message);
      host.flush();
      sending = false;
    };
  };
  one.recorder.on_message = answer(one, 2);
  two.recorder.on_message = answer(two, 1);
  one.send(2, numbered_call(1, 50));
  one.flush();
  EXPECT_TRUE(cluster.run_until([&] { return rounds > 200; }));
}

TYPED_TEST(TransportTest, WithoutASessionMessagesAreDropped) {
  auto& cluster = this->cluster_;
  auto& one = cluster.add(1);
  auto& two = cluster.add(2);
  cluster.start();
  one.send(2, numbered_call(1, 10));
  two.send(1, numbered_call(1, 10));
  one.send(77, numbered_call(1, 10));
  one.flush();
  ASSERT_TRUE(cluster.run_until([&] { return one.sees(2) && two.sees(1); }));
  one.send(2, numbered_call(2, 10));
  one.flush();
  ASSERT_TRUE(cluster.run_until([&] { return !two.messages(1).empty(); }));
  EXPECT_EQ(two.messages(1)[0], numbered_call(2, 10));
}

TYPED_TEST(TransportTest, ALinkCutAnywhereIsResumedWithNothingLostOrRepeated) {
  auto& cluster = this->cluster_;
  // On a busy machine, forty handshakes in a row take longer than the session would wait.
  cluster.configure = [](TransportConfig& config) {
    config.timing.timeout_ms = config.timing.handshake_ms = 60'000;
  };
  auto& one = cluster.add(1);
  auto& two = cluster.add(2);
  cluster.start();
  ASSERT_TRUE(cluster.run_until_fastest(one, 1, two, 2));
  std::vector<Received> sent;
  const auto all_arrived = [&] {
    return one.messages(2).size() == sent.size() && two.messages(1).size() == sent.size();
  };
  // Each cut falls somewhere else: in prefixes, messages, payloads, and the handshakes between.
  std::uint64_t cuts = 0;
  std::uint64_t bytes = 1;
  for (int batch = 0; batch < 40; ++batch) {
    ASSERT_TRUE(cluster.run_until_fastest(one, 1, two, 2));
    for (int i = 0; i < 10; ++i) {
      const std::uint64_t number = sent.size() + 1;
      sent.push_back(numbered_call(number, number % 10 == 0 ? 30000 : 13 * number));
      one.send(2, sent.back());
      two.send(1, sent.back());
    }
    const auto before = cluster.links_to(1);
    bytes = bytes * 3 % 200003;
    cluster.cut_after(bytes);
    one.flush();
    two.flush();
    ASSERT_TRUE(cluster.run_until([&] { return cluster.links_to(1) > before || all_arrived(); }));
    if (cluster.links_to(1) > before) ++cuts;
  }
  ASSERT_TRUE(cluster.run_until(all_arrived))
      << one.messages(2).size() << " " << two.messages(1).size();
  EXPECT_GT(cuts, 10U);
  EXPECT_TRUE(one.messages(2) == sent);
  EXPECT_TRUE(two.messages(1) == sent);
  EXPECT_EQ(one.peer(2).losses + two.peer(1).losses, 0);
  EXPECT_GT(one.peer(2).abandoned + two.peer(1).abandoned, 0);
}

TYPED_TEST(TransportTest, AHalfOpenLinkIsNoticedAndReplaced) {
  auto& cluster = this->cluster_;
  cluster.configure = [](TransportConfig& config) { config.timing.timeout_ms = 60'000; };
  auto& one = cluster.add(1);
  auto& two = cluster.add(2);
  cluster.start();
  ASSERT_TRUE(cluster.run_until_fastest(one, 1, two, 2));
  cluster.leave_half_open(1);
  one.send(2, numbered_call(1, 1000));
  one.flush();
  ASSERT_TRUE(cluster.run_until(
      [&] { return two.messages(1).size() == 1 && two.status(1).reconnects >= 1; }));
  EXPECT_EQ(two.peer(1).losses, 0);
}

TYPED_TEST(TransportTest, AHostThatDiesIsLostAndReturnsAsANewOne) {
  auto& cluster = this->cluster_;
  for (const std::uint32_t victim : {1U, 2U}) {
    TypeParam fresh;
    auto& one = fresh.add(1);
    auto& two = fresh.add(2);
    fresh.start();
    ASSERT_TRUE(fresh.run_until_fastest(one, 1, two, 2));
    auto& dying = victim == 1 ? one : two;
    auto& living = victim == 1 ? two : one;
    dying.kill();
    ASSERT_TRUE(fresh.run_until([&] { return living.status(victim).state == "suspended"; }));
    living.send(victim, numbered_call(1, 10));  // to nobody, as it turns out
    ASSERT_TRUE(fresh.run_until([&] { return living.peer(victim).losses == 1; }));
    EXPECT_EQ(living.status(victim).state, "connecting");
    dying.restart();
    ASSERT_TRUE(fresh.run_until([&] { return living.sees(victim) && dying.sees(3 - victim); }));
    EXPECT_EQ(living.peer(victim).incarnation, Incarnation(1100 + victim));
    living.send(victim, numbered_call(2, 10));
    living.flush();
    ASSERT_TRUE(fresh.run_until([&] { return !dying.messages(3 - victim).empty(); }));
    EXPECT_EQ(dying.messages(3 - victim)[0], numbered_call(2, 10));
  }
  (void)cluster;
}

TYPED_TEST(TransportTest, AQuickRestartEndsTheOldSessionAtOnce) {
  auto& cluster = this->cluster_;
  auto& one = cluster.add(1);
  auto& two = cluster.add(2);
  cluster.start();
  ASSERT_TRUE(cluster.run_until_fastest(one, 1, two, 2));
  two.kill();
  two.restart();
  ASSERT_TRUE(cluster.run_until([&] { return one.peer(2).sessions == 2; }));
  EXPECT_EQ(one.peer(2).losses, 1);
}

TYPED_TEST(TransportTest, AnAgentThatEndsSaysGoodbye) {
  auto& cluster = this->cluster_;
  cluster.configure = [](TransportConfig& config) { config.timing.timeout_ms = 3'600'000; };
  auto& one = cluster.add(1);
  auto& two = cluster.add(2);
  cluster.start();
  ASSERT_TRUE(cluster.run_until_fastest(one, 1, two, 2));
  two.stop();
  EXPECT_TRUE(cluster.run_until([&] { return one.peer(2).losses == 1; }));
}

TYPED_TEST(TransportTest, ASessionGivenUpIsLostOnBothSidesAndANewOneBegins) {
  auto& cluster = this->cluster_;
  auto& one = cluster.add(1);
  auto& two = cluster.add(2);
  cluster.start();
  ASSERT_TRUE(cluster.run_until_fastest(one, 1, two, 2));
  for (auto [host, peer] : {std::pair{&one, 2U}, std::pair{&two, 1U}}) {
    const int before = one.peer(2).losses;
    host->give_up(peer);
    EXPECT_EQ(one.peer(2).losses, before);  // not from inside the call
    ASSERT_TRUE(cluster.run_until([&] {
      return one.peer(2).losses == before + 1 && two.peer(1).losses == before + 1 && one.sees(2) &&
             two.sees(1);
    }));
  }
  EXPECT_EQ(one.peer(2).sessions, 3);
  EXPECT_EQ(two.peer(1).sessions, 3);
}

TYPED_TEST(TransportTest, APeerThatTakesNothingCostsItsOwnSessionOnly) {
  auto& cluster = this->cluster_;
  cluster.configure = [](TransportConfig& config) {
    config.limits.backlog_bytes = 20'000'000;
    config.timing = {.timeout_ms = 60'000, .suspect_ms = 60'000};
    // Its relay could not keep messages from it.
    if (config.host == HostId(2)) config.rdma.use = RdmaUse::kNever;
  };
  auto& one = cluster.add(1);
  auto& two = cluster.add(2);
  auto& three = cluster.add(3);
  cluster.start();
  ASSERT_TRUE(cluster.run_until(
      [&] { return one.sees(2) && one.sees(3) && three.sees(1) && three.sees(2); }));
  // Frozen, host 2 alone: its link is the one that was there first.
  cluster.leave_half_open(2);
  for (int i = 0; i < 6; ++i) three.send(2, numbered_call(1, 4000000));
  three.flush();
  EXPECT_TRUE(cluster.run_until([&] { return three.peer(2).losses == 1; }));
  three.send(1, numbered_call(1, 10));
  three.flush();
  EXPECT_TRUE(cluster.run_until([&] { return one.messages(3).size() == 1; }));
  (void)two;
}

}  // namespace
}  // namespace netbinder
