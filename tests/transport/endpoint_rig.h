// SPDX-License-Identifier: Apache-2.0
//
// An Endpoint with an owner that records everything, and a hand-made peer, on devices made of
// memory that execute requests at once.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/transport/hand_made_peer.h"
#include "tests/transport/rdma_cluster.h"
#include "tests/transport/recorder.h"
#include "transport/codec.h"
#include "transport/rdma/endpoint.h"

namespace netbinder::rdma {

class EndpointRecorder : public EndpointOwner {
 public:
  std::shared_ptr<Endpoint> endpoint;
  std::deque<std::shared_ptr<const OutgoingFrame>> to_send;
  std::vector<Received> messages;
  std::vector<LeaseId> with_lease;  // of those messages that had one
  std::vector<std::string> failures;
  bool broke_protocol = false;
  int sends = 0;
  int heard = 0;
  int settled = 0;
  bool gives_leases = true;
  bool stops = false;  // with the next message
  bool discards = false;
  std::map<LeaseId, std::span<std::byte>> leases;  // given and not ended
  std::map<LeaseId, int> endings;
  std::vector<LeaseRequest> wanted;
  std::shared_ptr<std::vector<std::byte>> arena =
      std::make_shared<std::vector<std::byte>>(std::size_t{16} << 20);

  void endpoint_sends() override { ++sends; }
  std::shared_ptr<const OutgoingFrame> next_message() override {
    if (to_send.empty()) return nullptr;
    auto frame = to_send.front();
    to_send.pop_front();
    return frame;
  }
  void endpoint_heard() override { ++heard; }
  FrameOutcome message_arrived(Frame frame, std::uint64_t payload_bytes, LeaseId lease) override {
    EXPECT_FALSE(arriving_) << "two messages at once";
    if (stops) return {.next = FrameOutcome::Next::kStop, .destination = {}};
    Received received{.message = std::get<frame::Message>(frame).content, .payload = {}};
    place_ = {};
    if (lease != LeaseId{}) {
      with_lease.push_back(lease);
      EXPECT_TRUE(leases.contains(lease));
      place_ = leases[lease].first(payload_bytes);
      leases.erase(lease);
    } else {
      buffer_.assign(payload_bytes, std::byte{0xEE});
      place_ = buffer_;
    }
    arriving_ = std::move(received);
    if (payload_bytes == 0) return message_payload_arrived();
    if (discards) return {.next = FrameOutcome::Next::kPayload, .destination = {}};
    return {.next = FrameOutcome::Next::kPayload, .destination = {.bytes = place_, .owner = arena}};
  }
  FrameOutcome message_payload_arrived() override {
    EXPECT_TRUE(arriving_);
    arriving_->payload.assign(place_.begin(), place_.end());
    messages.push_back(*std::exchange(arriving_, std::nullopt));
    return {};
  }
  std::optional<LeasedPlace> lease_wanted(const LeaseRequest& request) override {
    wanted.push_back(request);
    if (!gives_leases) return std::nullopt;
    const LeaseId id(++leases_given_);
    leases[id] = std::span(*arena).subspan(next_, request.bytes);
    next_ += request.bytes;
    return LeasedPlace{.id = id,
                       .process = ProcessId(1),
                       .place = {.bytes = leases[id], .owner = arena},
                       .arena = *arena};
  }
  void lease_ended(LeaseId lease) override {
    ++endings[lease];
    leases.erase(lease);
  }
  void endpoint_settled() override {
    ++settled;
    endpoint->pump();
  }
  // Does what a link does.
  void endpoint_failed(const std::string& reason, bool broke) override {
    failures.push_back(reason);
    broke_protocol = broke;
    endpoint->close(Endpoint::Tell::kOwner);
  }

 private:
  std::optional<Received> arriving_;
  std::vector<std::byte> buffer_;
  std::span<std::byte> place_;
  std::uint64_t leases_given_ = 0;
  std::size_t next_ = 0;
};

class EndpointRig {
 public:
  explicit EndpointRig(std::uint32_t peer_receives = kReceives,
                       std::uint32_t peer_segment_bytes = kSegmentBytes,
                       const MemoryVerbsOptions& options = {.max_inline_bytes = 512})
      : verbs(options),
        adapter(std::make_shared<Adapter>(io, std::make_unique<SharedVerbs>(verbs), DeviceChoice{},
                                          std::uint64_t{64} << 20)) {
    must<void>(adapter->open());
    endpoint = must(Endpoint::create(adapter, staging, owner));
    owner.endpoint = endpoint;
    peer = std::make_unique<HandMadePeer>(verbs, peer_receives, peer_segment_bytes);
  }
  ~EndpointRig() {
    endpoint->close(Endpoint::Tell::kNobody);
    owner.endpoint.reset();
  }

  void connect() {
    must<void>(endpoint->connect(peer->offer()));
    peer->connect(endpoint->offer());
  }
  // Opens both directions.
  void join() {
    connect();
    EXPECT_TRUE(endpoint->peer_ready());
    turn();
    EXPECT_TRUE(endpoint->sending());
    EXPECT_TRUE(endpoint->switched());
    turn();
  }
  // Runs until nothing moves any more.
  void turn() {
    for (int idle = 0; idle < 2; ++idle) {
      if (adapter->poll()) idle = 0;
      if (io.poll() > 0) idle = 0;
      if (peer->poll()) idle = 0;
    }
  }

  // A message of the session, queued.
  Received queue(std::uint64_t number, std::uint64_t bytes, bool staged = true,
                 ProcessId answers = {}) {
    Received call = numbered_call(number, bytes);
    auto frame = std::make_shared<OutgoingFrame>();
    must<void>(encode_message(Sequence(number), Sequence(0), call.message, call.payload.size(),
                              frame->head));
    frame->recipient = payload_recipient(call.message);
    if (answers != ProcessId{}) {
      frame->recipient->request.recipient = CallId(number);
      frame->recipient->caller = answers;
    }
    frame->payload = call.payload;
    if (staged && bytes > 0) {
      frame->payload = *staging->allocate(call.payload.size());
      std::ranges::copy(call.payload, frame->payload.data());
    }
    owner.to_send.push_back(std::move(frame));
    return call;
  }
  static frame::Message message(const Received& call, std::uint64_t sequence = 1) {
    return {.sequence = Sequence(sequence), .received = Sequence(0), .content = call.message};
  }
  // Objects that are left must belong to the peer: the endpoint gave all of its own back.
  void expect_nothing_of_it_left() const {
    const auto usage = verbs.usage();
    EXPECT_EQ(usage.queue_pairs, verbs.queue_pairs(1));
    EXPECT_EQ(usage.domains, 1U);
    EXPECT_EQ(adapter->registered_bytes(), 0U);
    EXPECT_EQ(verbs.misuse(), MemoryVerbs::Misuse{});
  }

  boost::asio::io_context io;
  MemoryVerbs verbs;
  std::shared_ptr<Adapter> adapter;
  std::shared_ptr<Staging> staging = std::make_shared<Staging>(std::size_t{4} << 20);
  EndpointRecorder owner;
  std::shared_ptr<Endpoint> endpoint;
  std::unique_ptr<HandMadePeer> peer;
};

inline frame::LeaseWanted wanted(std::uint64_t number, std::uint64_t size = 5000) {
  return {.number = number,
          .request = {.recipient = NodeNumber(3),
                      .bytes = size,
                      .context_bytes = 0,
                      .oneway = false,
                      .ahead = false}};
}

}  // namespace netbinder::rdma
