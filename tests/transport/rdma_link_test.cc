// SPDX-License-Identifier: Apache-2.0
//
// The messages that a peer may send about a queue pair over the connection, and when: a transport
// against a hand-made host.
#include <gtest/gtest.h>

#include "tests/transport/hand_made_peer.h"
#include "tests/transport/rdma_cluster.h"
#include "tests/transport/stranger.h"

namespace netbinder {
namespace {

using rdma::HandMadePeer;
using rdma::SegmentHeader;
using rdma::SegmentKind;

class RdmaLink : public ::testing::Test {
 protected:
  RdmaLink() {
    one_ = &cluster_.add(1);
    auto& two = cluster_.add(2);
    cluster_.start();
    two.kill();  // we are host 2
    peer_ = std::make_unique<HandMadePeer>(cluster_.memory_verbs);
    connection_ = std::make_unique<Stranger>(cluster_.io(), cluster_.port(1));
    connection_->greet({.cluster = "test",
                        .host = HostId(2),
                        .host_name = "host2",
                        .incarnation = Incarnation(5),
                        .peer = HostId(1),
                        .peer_incarnation = {},
                        .session = {},
                        .received = {},
                        .nonce = {}},
                       ClusterKey(Cluster::kKey),
                       [this](const auto& condition) { return cluster_.run_until(condition); });
    EXPECT_TRUE(until([&] { return one_->sees(2) && heard<frame::RdmaOffer>(); }));
  }
  ~RdmaLink() override { one_->stop(); }

  bool until(const std::function<bool()>& condition) {
    return cluster_.run_until([&] {
      while (peer_->poll()) {
      }
      return condition();
    });
  }
  template <typename T>
  std::optional<T> heard() {
    for (const Frame& frame : connection_->answers()) {
      if (const auto* one = std::get_if<T>(&frame)) return *one;
    }
    return std::nullopt;
  }
  // Up to where both may send.
  void join() {
    peer_->connect(*heard<frame::RdmaOffer>());
    connection_->write(peer_->offer());
    connection_->write(frame::RdmaReady{});
    ASSERT_TRUE(until([&] { return heard<frame::RdmaReady>() && heard<frame::RdmaSwitch>(); }));
  }
  void expect_broken(const std::string& rule) {
    ASSERT_TRUE(until([&] { return connection_->closed() && one_->peer(2).losses == 1; }));
    const auto goodbye = heard<frame::Goodbye>();
    ASSERT_TRUE(goodbye);
    EXPECT_EQ(goodbye->reason, GoodbyeReason::kProtocolError);
    EXPECT_EQ(goodbye->detail, rule);
    EXPECT_EQ(cluster_.memory_verbs.queue_pairs(0), 0U);
  }
  frame::Message message(std::uint64_t number) {
    return {.sequence = Sequence(number),
            .received = Sequence(0),
            .content = numbered_call(number, 5000).message};
  }

  RdmaCluster cluster_;
  TcpCluster::Host* one_ = nullptr;
  std::unique_ptr<HandMadePeer> peer_;
  std::unique_ptr<Stranger> connection_;
};

// The session has one message under way at a time: this one would come in the middle of another.
TEST_F(RdmaLink, NoMessageComesOverTheConnectionBehindTheSwitch) {
  join();
  connection_->write(frame::RdmaSwitch{});
  const Received call = numbered_call(1, 5000);
  peer_->send(message(1), std::span(call.payload).first(100), {}, call.payload.size());
  ASSERT_TRUE(until([&] { return one_->peer(2).arriving.has_value(); }));
  connection_->write(message(1), call.payload.size());
  expect_broken("a message over the connection behind the switch");
  EXPECT_EQ(one_->peer(2).abandoned, 1);
}

TEST_F(RdmaLink, AQueuePairThatIsUsedIsNotRefused) {
  join();
  connection_->write(frame::RdmaSwitch{});
  connection_->write(frame::RdmaRefuse{"late"});
  expect_broken("a queue pair refused that was accepted");
}

TEST_F(RdmaLink, OneIsOfferedOnALink) {
  connection_->write(frame::RdmaRefuse{"not now"});
  // Refused, as ours was given up.
  connection_->write(peer_->offer());
  ASSERT_TRUE(until([&] { return heard<frame::RdmaRefuse>().has_value(); }));
  EXPECT_EQ(heard<frame::RdmaRefuse>()->reason, "host 'host2': not now");
  EXPECT_EQ(one_->peer(2).losses, 0);
  connection_->write(peer_->offer());
  expect_broken("a second queue pair on one link");
}

TEST_F(RdmaLink, ASwitchNeedsAQueuePair) {
  connection_->write(frame::RdmaSwitch{});
  expect_broken("a switch to no queue pair");
}

TEST_F(RdmaLink, ThereIsOneSwitch) {
  join();
  connection_->write(frame::RdmaSwitch{});
  connection_->write(frame::RdmaSwitch{});
  expect_broken("a switch to no queue pair");
}

TEST_F(RdmaLink, ReadyComesBehindTheOffer) {
  connection_->write(frame::RdmaReady{});
  expect_broken("ready before it was connected");
}

TEST_F(RdmaLink, RefusedMessagesGoOverTheConnection) {
  connection_->write(frame::RdmaRefuse{"no device"});
  ASSERT_TRUE(until([&] { return one_->status(2).transport_reason == "host 'host2': no device"; }));
  EXPECT_EQ(one_->status(2).transport, "tcp");
  EXPECT_EQ(cluster_.memory_verbs.queue_pairs(0), 0U);
  one_->send(2, peer::NodeDied{NodeNumber(4)}, Payload());
  one_->flush();
  EXPECT_TRUE(until([&] { return heard<frame::Message>().has_value(); }));
}

}  // namespace
}  // namespace netbinder
