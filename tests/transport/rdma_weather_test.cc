// SPDX-License-Identifier: Apache-2.0
//
// Two transports over devices made of memory, under failures of every kind, by a seed: every
// message arrives once, in order, byte for byte, in a single session, and nothing is left at the
// end. Connections are real, so a seed repeats the faults, but not every order of events.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <random>

#include "tests/transport/rdma_cluster.h"

namespace netbinder {
namespace {

using rdma::CompletionStatus;
using rdma::SendRequest;

class Weather {
 public:
  explicit Weather(std::uint64_t seed) : random_(seed) {
    // Only the test's faults end a link, however slow the machine is.
    cluster_.configure = [](TransportConfig& config) {
      config.timing = {.timeout_ms = 60'000,
                       .heartbeat_ms = 1000,
                       .suspect_ms = 30'000,
                       .handshake_ms = 30'000,
                       .ack_delay_ms = 2};
      config.reconnect_min_ms = config.rdma.retry_min_ms = 1;
      config.reconnect_max_ms = config.rdma.retry_max_ms = 2;
      config.rdma.staging_bytes = 2U << 20;
    };
    hosts_ = {&cluster_.add(1), &cluster_.add(2)};
    cluster_.start();
  }

  void run() {
    for (int round = 0; round < 3 && !::testing::Test::HasFailure(); ++round) {
      ASSERT_TRUE(cluster_.run_until([&] { return hosts_[0]->sees(2) && hosts_[1]->sees(1); }));
      ASSERT_TRUE(speed_up()) << why();
      for (int step = 0; step < 40; ++step) {
        if (random_() % 12 == 0) fail();
        for (std::uint64_t more = random_() % 4; more > 0; --more)
          send(static_cast<std::uint32_t>(random_() % 2));
        if (random_() % 4 == 0) {
          hosts_[random_() % 2]->recorder.gives_leases = random_() % 3 != 0;
        }
        for (auto* host : hosts_) host->flush();
        for (std::uint64_t turns = random_() % 30; turns > 0; --turns) {
          cluster_.io().poll_one();
          for (auto* host : hosts_) (void)host->arm();
        }
      }
      ASSERT_TRUE(cluster_.run_until([&] { return arrived(0) && arrived(1); })) << why();
    }
    for (std::uint32_t to = 0; to < 2; ++to) {
      auto& peer = hosts_[to]->peer(other(to) + 1);
      EXPECT_EQ(peer.sessions, 1);
      EXPECT_EQ(peer.losses, 0);
      ASSERT_EQ(peer.messages.size(), sent_[other(to)].size());
      for (std::size_t i = 0; i < peer.messages.size(); ++i) {
        ASSERT_TRUE(peer.messages[i] == sent_[other(to)][i]) << "message " << i + 1;
      }
    }
    for (std::uint32_t from = 0; from < 2; ++from) {
      const auto status = hosts_[from]->status(other(from) + 1);
      written += status.payload_bytes_written;
      copied += status.payload_bytes_copied;
      reconnects += status.reconnects;
    }
    for (auto* host : hosts_) host->stop();
    cluster_.io().poll();
    const auto usage = cluster_.memory_verbs.usage();
    EXPECT_EQ(usage.queue_pairs + usage.regions + usage.domains, 0U);
    EXPECT_EQ(cluster_.memory_verbs.misuse(), rdma::MemoryVerbs::Misuse{});
  }

  std::uint64_t written = 0;
  std::uint64_t copied = 0;
  std::uint64_t reconnects = 0;

 private:
  static constexpr std::chrono::milliseconds kPatience{30};

  static std::uint32_t other(std::uint32_t host) { return 1 - host; }
  // If a link was refused its queue pair, only another link may have one.
  bool speed_up() {
    for (int patience = 1; patience < 50; ++patience) {
      if (cluster_.run_until([&] { return fast(0) && fast(1); }, patience * kPatience)) return true;
      cluster_.cut(1);
    }
    return false;
  }
  bool fast(std::uint32_t host) {
    return hosts_[host]->status(other(host) + 1).transport == "rdma";
  }
  bool arrived(std::uint32_t to) {
    auto& peer = hosts_[to]->peer(other(to) + 1);
    return peer.messages.size() >= sent_[other(to)].size() || peer.losses > 0;
  }
  std::string why() {
    return hosts_[0]->status(2).transport_reason + " | " + hosts_[1]->status(1).transport_reason;
  }

  void send(std::uint32_t from) {
    const std::uint32_t to = other(from) + 1;
    const std::uint64_t dice = random_() % 100;
    const std::uint64_t size = dice < 40   ? random_() % 700
                               : dice < 70 ? 4000 + random_() % 200
                               : dice < 97 ? random_() % 100'000
                                           : random_() % 1'500'000;
    Received call = numbered_call(sent_[from].size() + 1, size);
    std::get<peer::Call>(call.message).target = NodeNumber(1 + random_() % 3);
    Payload payload = random_() % 8 == 0 ? Payload::allocate(call.payload.size())
                                         : hosts_[from]->new_payload(to, call.payload.size());
    std::ranges::copy(call.payload, payload.data());
    hosts_[from]->send(to, call.message, std::move(payload));
    sent_[from].push_back(std::move(call));
  }

  void fail() {
    auto& verbs = cluster_.memory_verbs;
    std::vector<std::size_t> open;
    for (std::size_t device = 0; device < verbs.opened(); ++device) {
      if (!verbs.closed(device)) open.push_back(device);
    }
    if (open.empty()) return;
    const std::size_t device = open[random_() % open.size()];
    constexpr CompletionStatus kFailures[] = {CompletionStatus::kFlushed,
                                              CompletionStatus::kRetriesExceeded,
                                              CompletionStatus::kReceiverNotReady,
                                              CompletionStatus::kRemoteAccess,
                                              CompletionStatus::kLocal,
                                              CompletionStatus::kOther};
    const auto status = kFailures[random_() % std::size(kFailures)];
    switch (random_() % 10) {
      case 0:
      case 1:
        verbs.fail_next_send(device, SendRequest::Kind::kSend, status, random_() % 2 == 0);
        break;
      case 2:
      case 3:
        verbs.fail_next_send(device, SendRequest::Kind::kWrite, status, random_() % 2 == 0);
        break;
      case 4:
        verbs.fail_next_receive(device, CompletionStatus::kLocal);
        break;
      case 5:
        verbs.fail_next_registration(device, "no more memory");
        break;
      case 6:
        verbs.fail_next_queue_pair(device, "no more queue pairs");
        break;
      case 7:
        verbs.fail_next_post(device, -ENOMEM);
        break;
      case 8:
        random_() % 2 == 0 ? verbs.port_down(device)
                           : verbs.make_fatal(device, "smoke", random_() % 2 == 0);
        break;
      case 9:
        random_() % 2 == 0 ? cluster_.cut(1) : cluster_.relay(1).cut_after(random_() % 3000);
        break;
    }
  }

  std::mt19937_64 random_;
  RdmaCluster cluster_;
  std::array<TcpCluster::Host*, 2> hosts_{};
  std::array<std::vector<Received>, 2> sent_;
};

TEST(RdmaWeather, EveryMessageArrivesOnceWhateverFails) {
  std::uint64_t first = 1;
  std::uint64_t last = 30;
  if (const char* one = std::getenv("NETBINDER_SEED"))
    first = last = std::strtoull(one, nullptr, 10);
  std::uint64_t written = 0;
  std::uint64_t copied = 0;
  std::uint64_t reconnects = 0;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    SCOPED_TRACE("again: NETBINDER_SEED=" + std::to_string(seed) +
                 " transport_test --gtest_filter=RdmaWeather.*");
    Weather weather(seed);
    weather.run();
    written += weather.written;
    copied += weather.copied;
    reconnects += weather.reconnects;
    if (HasFailure()) return;
  }
  RecordProperty("written", std::to_string(written));
  RecordProperty("copied", std::to_string(copied));
  RecordProperty("reconnects", std::to_string(reconnects));
  if (first == last) return;
  // The weather was what this test is about.
  EXPECT_GT(written, 10'000'000U);
  EXPECT_GT(copied, 100'000U);
  EXPECT_GT(reconnects, 60U);
}

}  // namespace
}  // namespace netbinder
