// SPDX-License-Identifier: Apache-2.0
//
// Tests particular to the simulated network: its faults, its device, and that a seed is repeatable.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "tests/transport/sim_cluster.h"

namespace netbinder {
namespace {

using sim::ConnectionPtr;
using sim::Random;

constexpr HostId kOne{1};
constexpr HostId kTwo{2};

class SimTransportTest : public ::testing::Test {
 protected:
  void connect() {
    one_ = &cluster_.add(1);
    two_ = &cluster_.add(2);
    cluster_.start();
    ASSERT_TRUE(cluster_.run_until([&] { return one_->sees(2) && two_->sees(1); }));
  }
  void send(Cluster::Host& from, std::uint32_t to, std::uint64_t number, std::uint64_t size) {
    from.send(to, numbered_call(number, size));
    from.flush();
  }
  void expect_one_session() {
    EXPECT_EQ(one_->peer(2).sessions, 1);
    EXPECT_EQ(one_->peer(2).losses + two_->peer(1).losses, 0);
  }

  SimCluster cluster_;
  Cluster::Host* one_ = nullptr;
  Cluster::Host* two_ = nullptr;
};

TEST_F(SimTransportTest, SaysWhatItIs) {
  connect();
  EXPECT_EQ(one_->status(2).transport, "sim");
  EXPECT_EQ(one_->status(2).name, "host2");
  EXPECT_EQ(cluster_.transport(1).session(kTwo), cluster_.transport(2).session(kOne));
  EXPECT_NE(cluster_.transport(1).session(kTwo), SessionId(0));
}

TEST_F(SimTransportTest, PeersAreOtherHosts) {
  sim::Observer observer;
  Recorder recorder;
  TransportConfig config;
  config.host = kOne;
  config.incarnation = Incarnation(1);
  for (const std::vector<std::uint32_t>& peers :
       {std::vector<std::uint32_t>{1}, std::vector<std::uint32_t>{0}, {2, 2}}) {
    config.peers.clear();
    for (const std::uint32_t peer : peers) config.peers.push_back({HostId(peer), "host", ""});
    EXPECT_THROW(SimTransport(cluster_.network(), config, recorder, observer),
                 std::invalid_argument);
  }
}

TEST_F(SimTransportTest, ALinkCutOneWayIsGivenUpByBothEndsAndTheSessionIsResumed) {
  for (const auto& [from, to] : {std::pair(kOne, kTwo), std::pair(kTwo, kOne)}) {
    SimCluster cluster;
    cluster.configure = [](TransportConfig& config) { config.timing.timeout_ms = 5000; };
    auto& one = cluster.add(1);
    auto& two = cluster.add(2);
    cluster.start();
    ASSERT_TRUE(cluster.run_until([&] { return one.sees(2) && two.sees(1); }));
    cluster.network().cut(from, to);
    send(one, 2, 1, 100);
    send(two, 1, 2, 100);
    ASSERT_TRUE(cluster.run_until(
        [&] { return one.status(2).state == "suspended" && two.status(1).state == "suspended"; }));
    cluster.network().heal(from, to);
    ASSERT_TRUE(cluster.run_until(
        [&] { return one.messages(2).size() == 1 && two.messages(1).size() == 1; }));
    EXPECT_EQ(one.messages(2)[0], numbered_call(2, 100));
    EXPECT_EQ(two.messages(1)[0], numbered_call(1, 100));
    EXPECT_EQ(one.peer(2).losses + two.peer(1).losses, 0);
  }
}

TEST_F(SimTransportTest, APartitionLongerThanTheSessionsTimeoutEndsItForBoth) {
  connect();
  cluster_.network().cut(kOne, kTwo);
  cluster_.network().cut(kTwo, kOne);
  ASSERT_TRUE(
      cluster_.run_until([&] { return one_->peer(2).losses == 1 && two_->peer(1).losses == 1; }));
  EXPECT_EQ(one_->status(2).state, "connecting");
  cluster_.network().heal_everything();
  ASSERT_TRUE(cluster_.run_until([&] { return one_->sees(2) && two_->sees(1); }));
}

TEST_F(SimTransportTest, AHostThatStallsForLessThanTheSuspicionTimeLosesNothing) {
  connect();
  for (const std::uint32_t host : {1U, 2U}) {
    const std::size_t before = one_->messages(2).size();
    cluster_.transport(host).set_stalled(true);
    const std::uint64_t bytes_sent = cluster_.transport(host).status()[0].bytes_sent;
    send(*one_, 2, 1, 100);
    send(*two_, 1, 2, 100);
    cluster_.run_for(150);
    EXPECT_EQ(cluster_.transport(host).status()[0].bytes_sent, bytes_sent);
    EXPECT_EQ(cluster_.transport(host).status()[0].messages_received, before);
    cluster_.transport(host).set_stalled(false);
    ASSERT_TRUE(cluster_.run_until(
        [&] { return one_->messages(2).size() > before && two_->messages(1).size() > before; }));
  }
  EXPECT_EQ(one_->status(2).reconnects, 0U);
  expect_one_session();
}

TEST_F(SimTransportTest, AHostThatStallsForLongerIsNotTheOneThatLosesPatience) {
  connect();
  cluster_.transport(2).set_stalled(true);
  cluster_.run_for(300);
  EXPECT_EQ(one_->status(2).state, "suspended");
  EXPECT_EQ(two_->status(1).state, "established");
  cluster_.transport(2).set_stalled(false);
  ASSERT_TRUE(cluster_.run_until([&] { return one_->status(2).reconnects == 1; }));
  expect_one_session();
}

TEST_F(SimTransportTest, AClogFillsTheLinkAndTheRestWaits) {
  connect();
  two_->recorder.gives_leases = false;
  cluster_.network().clog(kTwo, true);
  const std::uint64_t before = one_->status(2).bytes_sent;
  for (std::uint64_t number = 1; number <= 100; ++number) send(*one_, 2, number, 10'000);
  cluster_.run_for(50);
  EXPECT_LT(one_->status(2).bytes_sent - before, 100'000U);
  EXPECT_GT(one_->status(2).unacknowledged_bytes, 1'000'000U);
  cluster_.network().clog(kTwo, false);
  ASSERT_TRUE(cluster_.run_until([&] { return two_->messages(1).size() == 100; }));
  expect_one_session();
}

TEST_F(SimTransportTest, ABacklogOverItsBoundEndsTheSessionInTheNextEvent) {
  cluster_.configure = [](TransportConfig& config) { config.limits.backlog_messages = 10; };
  connect();
  for (std::uint64_t number = 1; number <= 11; ++number) {
    one_->send(2, numbered_call(number, 100));
  }
  EXPECT_EQ(one_->peer(2).losses, 0);  // not from inside the call
  cluster_.run_for(0);
  EXPECT_EQ(one_->peer(2).losses, 1);
}

TEST_F(SimTransportTest, AnEndThatIsNotToldOfABreakFindsOutByItself) {
  connect();
  std::uint64_t broken = 0;
  for (const bool with_end_of_stream : {false, true}) {
    for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
      const std::uint64_t since = cluster_.clock().now_ms();
      cluster_.network().break_one(cluster_.network().any_connection(), side, with_end_of_stream);
      ++broken;
      ASSERT_TRUE(cluster_.run_until([&] {
        return one_->status(2).reconnects == broken && two_->status(1).reconnects == broken;
      }));
      // By what it writes, a heartbeat if nothing else; not by losing patience.
      EXPECT_LT(cluster_.clock().now_ms() - since, 100U) << side;
    }
  }
  expect_one_session();
}

// ---- the device ----

TEST_F(SimTransportTest, PayloadsGoByLeaseWhereBothHaveADevice) {
  connect();
  std::uint64_t bytes = 0;
  std::vector<Received> sent;
  for (std::uint64_t number = 1; number <= 100; ++number) {
    sent.push_back(numbered_call(number, 8 * number));
    sent.back().message = [&] {
      auto call = std::get<peer::Call>(sent.back().message);
      call.target = NodeNumber(1 + number % 3);  // so that what is lent ahead is of use
      return call;
    }();
    one_->send(2, sent.back());
    one_->flush();
    bytes += sent.back().payload.size();
    cluster_.run_for(number % 7);
  }
  ASSERT_TRUE(cluster_.run_until([&] { return two_->messages(1).size() == sent.size(); }));
  EXPECT_EQ(two_->messages(1), sent);
  const auto written = one_->status(2).payload_bytes_written;
  EXPECT_GT(written, bytes / 4);  // every other one, by chance
  EXPECT_LT(written, bytes - bytes / 4);
  EXPECT_EQ(two_->status(1).payload_bytes_written_here, written);
  EXPECT_GT(two_->recorder.leases_ahead, 0U);
  EXPECT_LT(cluster_.writes_by_device(), two_->recorder.leases_given);
  // Unused leases are given back.
  ASSERT_TRUE(cluster_.run_until([&] { return two_->peer(1).leases.empty(); }));
  EXPECT_EQ(cluster_.transport(2).lent(), 0U);
}

TEST_F(SimTransportTest, WithoutADeviceAtBothEndsNothingIsLent) {
  cluster_.configure = [](TransportConfig& config) {
    if (config.host == kTwo) config.rdma.use = RdmaUse::kNever;
  };
  connect();
  for (std::uint64_t number = 1; number <= 50; ++number) {
    send(*one_, 2, number, 100);
    send(*two_, 1, number, 100);
  }
  ASSERT_TRUE(cluster_.run_until(
      [&] { return two_->messages(1).size() == 50 && one_->messages(2).size() == 50; }));
  EXPECT_EQ(cluster_.writes_by_device(), 0U);
  EXPECT_EQ(one_->recorder.leases_given + two_->recorder.leases_given, 0U);
}

TEST_F(SimTransportTest, RefusedSpacePayloadsGoAlongInTheirOrder) {
  connect();
  two_->recorder.gives_leases = false;
  std::vector<Received> sent;
  for (std::uint64_t number = 1; number <= 50; ++number) {
    sent.push_back(numbered_call(number, 100));
    send(*one_, 2, number, 100);
  }
  ASSERT_TRUE(cluster_.run_until([&] { return two_->messages(1).size() == 50; }));
  EXPECT_EQ(two_->messages(1), sent);
  EXPECT_EQ(one_->status(2).payload_bytes_written, 0U);
}

// A space that is lent is no longer written to when its memory is gone, and the link lives on.
TEST_F(SimTransportTest, MemoryThatIsGoneIsNotWrittenTo) {
  connect();
  for (std::uint64_t number = 1; cluster_.transport(2).lent() == 0; ++number) {
    ASSERT_LT(number, 100U);
    send(*one_, 2, number, 100);
    cluster_.run_for(3);
  }
  two_->memory_ends(two_->recorder.arena());
  std::ranges::fill(two_->recorder.arena(), kUnwritten);
  two_->recorder.gives_leases = false;  // no new ones
  const auto before = cluster_.writes_by_device();
  const auto messages = two_->messages(1).size();
  for (std::uint64_t number = 1; number <= 20; ++number) send(*one_, 2, number, 100);
  ASSERT_TRUE(cluster_.run_until([&] { return two_->messages(1).size() >= messages + 20; }));
  EXPECT_EQ(cluster_.writes_by_device(), before);
  EXPECT_TRUE(std::ranges::all_of(two_->recorder.arena(),
                                  [](std::byte byte) { return byte == kUnwritten; }));
  expect_one_session();
}

TEST_F(SimTransportTest, WithALinkGoItsLeases) {
  connect();
  for (std::uint64_t number = 1; cluster_.transport(2).lent() == 0; ++number) {
    ASSERT_LT(number, 100U);
    send(*one_, 2, number, 100);
    cluster_.run_for(3);
  }
  EXPECT_FALSE(two_->peer(1).leases.empty());
  cluster_.network().break_both(cluster_.network().any_connection());
  EXPECT_TRUE(two_->peer(1).leases.empty());
  EXPECT_EQ(cluster_.transport(2).lent(), 0U);
}

TEST_F(SimTransportTest, FreshPayloadsHoldAnything) {
  connect();
  const Payload payload = one_->new_payload(2, 100);
  EXPECT_EQ(payload.size(), 100U);
  EXPECT_NE(payload.bytes()[50], std::byte{0});
}

// ---- seeds ----

// Two hosts under failures of every kind: every message arrives once, in order, byte for byte, in
// the one session there is. What happened when.
std::vector<std::uint64_t> weather(std::uint64_t seed) {
  SimCluster cluster(seed);
  Random random(~seed);
  cluster.configure = [](TransportConfig& config) { config.timing.timeout_ms = 60'000; };
  const std::array<Cluster::Host*, 2> hosts{&cluster.add(1), &cluster.add(2)};
  cluster.start();
  std::array<std::vector<Received>, 2> sent;  // by sender
  std::vector<std::uint64_t> happened;
  const auto all_arrived = [&] {
    return hosts[0]->messages(2) == sent[1] && hosts[1]->messages(1) == sent[0];
  };
  EXPECT_TRUE(cluster.run_until([&] { return hosts[0]->sees(2) && hosts[1]->sees(1); }));
  for (int step = 0; step < 60; ++step) {
    for (std::uint64_t more = random.below(4); more > 0; --more) {
      const std::size_t from = random.below(2);
      Received call = numbered_call(sent[from].size() + 1, random.below(3000));
      std::get<peer::Call>(call.message).target = NodeNumber(random.between(1, 3));
      hosts[from]->send(static_cast<std::uint32_t>(2 - from), call);
      sent[from].push_back(std::move(call));
    }
    hosts[0]->flush();
    hosts[1]->flush();
    const HostId from{static_cast<std::uint32_t>(random.between(1, 2))};
    const ConnectionPtr some = cluster.network().any_connection();
    switch (random.below(12)) {
      case 0:
        cluster.network().cut(from, HostId(3 - from.value()));
        break;
      case 1:
      case 2:
        cluster.network().heal_everything();
        cluster.transport(1).set_stalled(false);
        cluster.transport(2).set_stalled(false);
        break;
      case 3:
        cluster.network().clog(from, true);
        break;
      case 4:
        cluster.transport(from.value()).set_stalled(true);
        break;
      case 5:
        if (some) cluster.network().break_both(some);
        break;
      case 6:
        if (some) cluster.network().break_one(some, random.below(2), random.one_in(2));
        break;
      case 7:
        cluster.leave_half_open(1);
        break;
      case 8:
        cluster.cut_after(random.below(5000));
        break;
      default:
        break;
    }
    cluster.run_for(random.below(100));
    for (Cluster::Host* host : hosts) {
      const LinkStatus link = host->status(host == hosts[0] ? 2 : 1);
      happened.insert(happened.end(),
                      {link.bytes_sent, link.bytes_received, link.messages_received,
                       link.reconnects, link.payload_bytes_written, cluster.clock().events()});
    }
  }
  cluster.network().heal_everything();
  cluster.transport(1).set_stalled(false);
  cluster.transport(2).set_stalled(false);
  EXPECT_TRUE(cluster.run_until(all_arrived)) << "seed " << seed;
  EXPECT_EQ(hosts[0]->peer(2).sessions, 1) << "seed " << seed;
  EXPECT_EQ(hosts[1]->peer(1).sessions, 1) << "seed " << seed;
  return happened;
}

TEST(SimWeather, ArrivesOnceInOrderAndTheSameForASeed) {
  for (std::uint64_t seed = 1; seed <= 60 && !::testing::Test::HasFailure(); ++seed) {
    const auto happened = weather(seed);
    EXPECT_EQ(weather(seed), happened) << "seed " << seed;
    EXPECT_NE(weather(seed + 1000), happened);
  }
}

}  // namespace
}  // namespace netbinder
