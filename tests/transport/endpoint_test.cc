// SPDX-License-Identifier: Apache-2.0
//
// An endpoint against a hand-made peer: every rule for the segments that arrive, and their
// handling.
#include <gtest/gtest.h>

#include <functional>

#include "tests/transport/endpoint_rig.h"

namespace netbinder::rdma {
namespace {

constexpr const char* kBroken = "the peer broke the protocol: ";

// A header of a frame with this message.
SegmentHeader frame_header(std::size_t message_bytes, std::uint64_t payload_bytes = 0,
                           LeaseId lease = {}) {
  return {.kind = SegmentKind::kFrame,
          .message_bytes = static_cast<std::uint32_t>(message_bytes),
          .payload_bytes = payload_bytes,
          .lease = lease.value()};
}

std::vector<std::byte> bytes(std::size_t count) { return std::vector<std::byte>(count); }

// The last lease that the peer was granted.
frame::LeaseGranted granted(EndpointRig& rig) {
  return std::get<frame::LeaseGranted>(rig.peer->frames.back().frame);
}

struct Rule {
  const char* name;
  std::function<void(EndpointRig&)> breach;
  std::string reason;  // or how it begins
};

void PrintTo(const Rule& rule, std::ostream* out) { *out << rule.name; }

class EndpointRule : public ::testing::TestWithParam<Rule> {};

TEST_P(EndpointRule, EndsTheEndpointOnceAndLeavesNothing) {
  EndpointRig rig;
  rig.join();
  GetParam().breach(rig);
  rig.turn();
  rig.turn();
  ASSERT_EQ(rig.owner.failures.size(), 1U);
  EXPECT_TRUE(rig.owner.failures[0].starts_with(kBroken + GetParam().reason))
      << rig.owner.failures[0];
  EXPECT_TRUE(rig.owner.broke_protocol);
  EXPECT_TRUE(rig.owner.leases.empty());
  rig.expect_nothing_of_it_left();
}

const Received kCall = numbered_call(1, 100);

const Rule kRules[] = {
    {"NoHeader", [](EndpointRig& rig) { rig.peer->send(bytes(23)); }, "a segment without a header"},
    {"Nothing", [](EndpointRig& rig) { rig.peer->send(std::vector<std::byte>{}); },
     "a segment without a header"},
    {"Reserved",
     [](EndpointRig& rig) { rig.peer->send({.kind = SegmentKind::kProbe, .reserved = 1}); },
     "an unknown header"},
    {"KindZero", [](EndpointRig& rig) { rig.peer->send({.kind = SegmentKind(0)}); },
     "an unknown kind of segment"},
    {"KindFive", [](EndpointRig& rig) { rig.peer->send({.kind = SegmentKind(5)}); },
     "an unknown kind of segment"},
    {"ProbeWithBytes",
     [](EndpointRig& rig) { rig.peer->send({.kind = SegmentKind::kProbe}, bytes(1)); },
     "bytes in a segment that has none"},
    {"CreditWithBytes",
     [](EndpointRig& rig) { rig.peer->send({.kind = SegmentKind::kCredit}, bytes(8)); },
     "bytes in a segment that has none"},
    {"RestWithAMessage",
     [](EndpointRig& rig) {
       rig.peer->send({.kind = SegmentKind::kRest, .message_bytes = 8}, bytes(8));
     },
     "a header of no frame that describes one"},
    {"CreditWithAPayload",
     [](EndpointRig& rig) { rig.peer->send({.kind = SegmentKind::kCredit, .payload_bytes = 8}); },
     "a header of no frame that describes one"},
    {"ProbeWithALease",
     [](EndpointRig& rig) { rig.peer->send({.kind = SegmentKind::kProbe, .lease = 1}); },
     "a header of no frame that describes one"},
    {"RestOfNoFrame",
     [](EndpointRig& rig) { rig.peer->send({.kind = SegmentKind::kRest}, bytes(8)); },
     "the rest of no frame"},
    {"RestBehindAFrame",
     [](EndpointRig& rig) {
       rig.peer->send(EndpointRig::message(kCall), kCall.payload);
       rig.peer->send({.kind = SegmentKind::kRest}, bytes(1));
     },
     "the rest of no frame"},
    {"FrameInsideAFrame",
     [](EndpointRig& rig) {
       rig.peer->send(frame_header(64), bytes(8));
       rig.peer->send(frame_header(64), bytes(64));
     },
     "a frame inside a frame"},
    {"FrameInsideAPayload",
     [](EndpointRig& rig) {
       rig.peer->send(EndpointRig::message(kCall), std::span(kCall.payload).first(8), {},
                      kCall.payload.size());
       rig.peer->send(wanted(1));
     },
     "a frame inside a frame"},
    {"FrameOfNothing", [](EndpointRig& rig) { rig.peer->send(frame_header(64)); },
     "a segment of nothing"},
    {"RestOfNothing",
     [](EndpointRig& rig) {
       rig.peer->send(frame_header(64), bytes(8));
       rig.peer->send({.kind = SegmentKind::kRest});
     },
     "a segment of nothing"},
    {"NoMessage", [](EndpointRig& rig) { rig.peer->send(frame_header(0), bytes(8)); },
     "a message of an impossible size"},
    {"OddMessage", [](EndpointRig& rig) { rig.peer->send(frame_header(12), bytes(12)); },
     "a message of an impossible size"},
    {"HugeMessage",
     [](EndpointRig& rig) { rig.peer->send(frame_header(limits::kMaxMessageBytes + 8), bytes(8)); },
     "a message of an impossible size"},
    {"HugePayload",
     [](EndpointRig& rig) {
       rig.peer->send(frame_header(64, limits::kMaxPayloadBytes + 1), bytes(8));
     },
     "payload too long"},
    {"Garbage",
     [](EndpointRig& rig) {
       rig.peer->send(frame_header(64), std::vector<std::byte>(64, std::byte{0x5A}));
     },
     ""},
    {"PayloadOfAnotherSize",
     [](EndpointRig& rig) {
       const auto message = message_of(EndpointRig::message(kCall), kCall.payload.size());
       rig.peer->send(frame_header(message.size(), kCall.payload.size() + 8), message);
     },
     ""},
    {"PayloadOfNoMessage",
     [](EndpointRig& rig) {
       const auto message = message_of(wanted(1));
       rig.peer->send(frame_header(message.size(), 8), message);
     },
     ""},
    {"BytesBehindAMessage",
     [](EndpointRig& rig) {
       auto message = message_of(wanted(1));
       const auto header = frame_header(message.size());
       message.resize(message.size() + 8);
       rig.peer->send(header, message);
     },
     "bytes behind a frame"},
    {"BytesBehindAPayload",
     [](EndpointRig& rig) {
       auto message = message_of(EndpointRig::message(kCall), kCall.payload.size());
       const auto header = frame_header(message.size(), kCall.payload.size());
       message.resize(message.size() + kCall.payload.size() + 1);
       rig.peer->send(header, message);
     },
     "bytes behind a frame"},
    {"Hello", [](EndpointRig& rig) { rig.peer->send(Frame(frame::Hello{})); },
     "a frame that belongs to the connection"},
    {"Ack", [](EndpointRig& rig) { rig.peer->send(Frame(frame::Ack{})); },
     "a frame that belongs to the connection"},
    {"Heartbeat", [](EndpointRig& rig) { rig.peer->send(Frame(frame::Heartbeat{})); },
     "a frame that belongs to the connection"},
    {"Goodbye", [](EndpointRig& rig) { rig.peer->send(Frame(frame::Goodbye{})); },
     "a frame that belongs to the connection"},
    {"Switch", [](EndpointRig& rig) { rig.peer->send(Frame(frame::RdmaSwitch{})); },
     "a frame that belongs to the connection"},
    {"CreditNeverSent",
     // One segment was sent to the peer, the probe.
     [](EndpointRig& rig) { rig.peer->give_credit(2); }, "credit for what was not sent"},
    {"CreditTwice",
     [](EndpointRig& rig) {
       rig.peer->give_credit(1);
       rig.peer->give_credit(1);
     },
     "credit for what was not sent"},
    {"LeaseNotGiven",
     [](EndpointRig& rig) {
       const auto message = message_of(EndpointRig::message(kCall), kCall.payload.size());
       rig.peer->send(frame_header(message.size(), kCall.payload.size(), LeaseId(1)), message);
     },
     "a payload in a lease it does not have"},
    {"LeaseTooSmall",
     [](EndpointRig& rig) {
       rig.peer->send(wanted(1, kCall.payload.size() - 1));
       rig.turn();
       rig.peer->send(EndpointRig::message(kCall), {}, granted(rig).lease, kCall.payload.size());
     },
     "a payload larger than its lease"},
    {"LeaseForNothing",
     [](EndpointRig& rig) {
       rig.peer->send(wanted(1));
       rig.turn();
       const Received empty = numbered_call(1, 0);
       rig.peer->send(EndpointRig::message(empty), {}, granted(rig).lease, 0);
     },
     "a payload larger than its lease"},
    {"LeaseUsedTwice",
     [](EndpointRig& rig) {
       rig.peer->send(wanted(1));
       rig.turn();
       const LeaseId lease = granted(rig).lease;
       rig.peer->send(EndpointRig::message(kCall), {}, lease, kCall.payload.size());
       rig.peer->send(EndpointRig::message(kCall), {}, lease, kCall.payload.size());
     },
     "a payload in a lease it does not have"},
    {"LeaseReturnedAndUsed",
     [](EndpointRig& rig) {
       rig.peer->send(wanted(1));
       rig.turn();
       const LeaseId lease = granted(rig).lease;
       rig.peer->send(frame::LeaseReturned{lease});
       rig.peer->send(EndpointRig::message(kCall), {}, lease, kCall.payload.size());
     },
     "a payload in a lease it does not have"},
    {"LeaseReturnedTwice",
     [](EndpointRig& rig) {
       rig.peer->send(wanted(1));
       rig.turn();
       const LeaseId lease = granted(rig).lease;
       rig.peer->send(frame::LeaseReturned{lease});
       rig.peer->send(frame::LeaseReturned{lease});
     },
     "a lease given back that it does not have"},
    {"LeaseUsedAndReturned",
     [](EndpointRig& rig) {
       rig.peer->send(wanted(1));
       rig.turn();
       const LeaseId lease = granted(rig).lease;
       rig.peer->send(EndpointRig::message(kCall), {}, lease, kCall.payload.size());
       rig.peer->send(frame::LeaseReturned{lease});
     },
     "a lease given back that it does not have"},
    {"PayloadInALeaseAndBehind",
     [](EndpointRig& rig) {
       rig.peer->send(wanted(1));
       rig.turn();
       rig.peer->send(EndpointRig::message(kCall), kCall.payload, granted(rig).lease);
     },
     "bytes behind a frame"},
    {"GrantUnasked", [](EndpointRig& rig) { rig.peer->send(rig.peer->grant(1, LeaseId(1), 4096)); },
     "a lease that was not asked for"},
    {"GrantOfAnotherNumber",
     [](EndpointRig& rig) {
       rig.queue(1, 8192);
       rig.endpoint->pump();
       rig.turn();
       rig.peer->send(rig.peer->grant(2, LeaseId(1), 8192));
     },
     "a lease that was not asked for"},
    {"GrantOfAnotherSize",
     [](EndpointRig& rig) {
       rig.queue(1, 8192);
       rig.endpoint->pump();
       rig.turn();
       rig.peer->send(rig.peer->grant(1, LeaseId(1), 8200));
     },
     "a lease of another size"},
    {"GrantTwice",
     [](EndpointRig& rig) {
       rig.queue(1, 8192);
       rig.endpoint->pump();
       rig.turn();
       rig.peer->send(rig.peer->grant(1, LeaseId(1), 8192));
       rig.peer->send(rig.peer->grant(1, LeaseId(2), 8192));
     },
     "a lease that was not asked for"},
};

INSTANTIATE_TEST_SUITE_P(Wire, EndpointRule, ::testing::ValuesIn(kRules),
                         [](const auto& rule) { return std::string(rule.param.name); });

// ---- What arrives ----

// A frame whose message and payload come in two segments, however they are cut.
TEST(Endpoint, AFrameMayBeCutAnywhere) {
  EndpointRig rig;
  rig.join();
  auto whole = message_of(EndpointRig::message(kCall), kCall.payload.size());
  const auto header = frame_header(whole.size(), kCall.payload.size());
  whole.insert(whole.end(), kCall.payload.begin(), kCall.payload.end());
  for (std::size_t cut = 1; cut < whole.size(); ++cut) {
    rig.peer->send(header, std::span(whole).first(cut));
    if (cut % 2 == 0) rig.turn();
    rig.peer->send({.kind = SegmentKind::kRest}, std::span(whole).subspan(cut));
    rig.turn();
    ASSERT_EQ(rig.owner.messages.size(), cut);
    ASSERT_EQ(rig.owner.messages.back(), kCall);
  }
  // And byte by byte, with credit in between.
  rig.peer->send(header, std::span(whole).first(1));
  for (std::size_t at = 1; at < whole.size(); ++at) {
    rig.peer->send({.kind = SegmentKind::kRest}, std::span(whole).subspan(at, 1));
    if (at % 7 == 0) rig.peer->give_credit(0);
    rig.turn();
  }
  EXPECT_EQ(rig.owner.messages.size(), whole.size());
  EXPECT_EQ(rig.owner.messages.back(), kCall);
  EXPECT_TRUE(rig.owner.failures.empty());
}

TEST(Endpoint, PayloadsOfNothingAndOfTheMostThereMayBe) {
  EndpointRig rig;
  rig.join();
  Received largest = kCall;
  auto& shape = std::get<peer::Call>(largest.message).shape;
  shape = {.data_size = PayloadShape::kMaxPartBytes,
           .offsets_size = PayloadShape::kMaxPartBytes,
           .extra_size = PayloadShape::kMaxPartBytes};
  largest.payload.assign(limits::kMaxPayloadBytes, std::byte{0x37});
  for (const Received& call : {numbered_call(1, 0), largest, numbered_call(2, 1)}) {
    auto whole = message_of(EndpointRig::message(call), call.payload.size());
    auto header = frame_header(whole.size(), call.payload.size());
    whole.insert(whole.end(), call.payload.begin(), call.payload.end());
    constexpr std::size_t kMost = kSegmentBytes - sizeof header;
    for (std::size_t at = 0; at < whole.size(); at += kMost) {
      const auto rest = std::span(whole).subspan(at);
      if (rig.peer->credits == 0) rig.turn();
      ASSERT_GT(rig.peer->credits, 0);
      rig.peer->send(header, rest.first(std::min(rest.size(), kMost)));
      header = {.kind = SegmentKind::kRest};
    }
    rig.turn();
    ASSERT_FALSE(rig.owner.messages.empty());
    EXPECT_TRUE(rig.owner.messages.back() == call);
  }
  EXPECT_EQ(rig.owner.messages.size(), 3U);
  EXPECT_EQ(rig.endpoint->counters().payload_bytes_copied_here, limits::kMaxPayloadBytes + 8);
  EXPECT_TRUE(rig.owner.failures.empty());
}

TEST(Endpoint, APayloadNobodyWantsIsPassedOver) {
  EndpointRig rig;
  rig.join();
  rig.owner.discards = true;
  const Received call = numbered_call(1, 5000);
  rig.peer->send(EndpointRig::message(call), std::span(call.payload).first(2000), {},
                 call.payload.size());
  rig.peer->send({.kind = SegmentKind::kRest}, std::span(call.payload).subspan(2000));
  rig.turn();
  EXPECT_EQ(rig.owner.messages.size(), 1U);
  EXPECT_EQ(rig.endpoint->counters().payload_bytes_copied_here, 0U);
  EXPECT_TRUE(rig.owner.failures.empty());
}

TEST(Endpoint, FramesWaitForTheSwitchAndTheProbeDoesNot) {
  EndpointRig rig;
  rig.connect();
  EXPECT_FALSE(rig.endpoint->sending());
  // The peer's probe may come before we know that it is ready.
  rig.peer->send({.kind = SegmentKind::kProbe});
  rig.turn();
  EXPECT_TRUE(rig.peer->segments.empty());
  EXPECT_TRUE(rig.endpoint->peer_ready());
  EXPECT_FALSE(rig.endpoint->peer_ready());
  rig.turn();
  EXPECT_TRUE(rig.endpoint->sending());
  EXPECT_EQ(rig.owner.sends, 1);
  EXPECT_EQ(rig.peer->of_kind(SegmentKind::kProbe), 1U);

  const Received call = numbered_call(1, 5000);
  rig.peer->send(EndpointRig::message(call), std::span(call.payload).first(2000), {},
                 call.payload.size());
  rig.peer->send({.kind = SegmentKind::kRest}, std::span(call.payload).subspan(2000));
  rig.peer->send(wanted(1));
  rig.turn();
  EXPECT_TRUE(rig.owner.messages.empty());
  EXPECT_TRUE(rig.owner.wanted.empty());
  EXPECT_GT(rig.owner.heard, 0);
  EXPECT_TRUE(rig.endpoint->switched());
  EXPECT_FALSE(rig.endpoint->switched());
  EXPECT_TRUE(rig.owner.messages.empty()) << "from inside switched()";
  rig.turn();
  ASSERT_EQ(rig.owner.messages.size(), 1U);
  EXPECT_EQ(rig.owner.messages[0], call);
  EXPECT_EQ(rig.owner.wanted.size(), 1U);
  EXPECT_EQ(rig.owner.sends, 1);
}

TEST(Endpoint, NeitherReadyNorASwitchComesBeforeItIsConnected) {
  EndpointRig rig;
  EXPECT_FALSE(rig.endpoint->peer_ready());
  EXPECT_FALSE(rig.endpoint->switched());
  rig.join();
}

TEST(Endpoint, OffersOfTooLittleAreRefused) {
  for (const auto& [receives, segment_bytes] :
       {std::pair{2 * kReservedReceives, kSegmentBytes}, {0x10000U, kSegmentBytes}, {64U, 1023U}}) {
    EndpointRig rig;
    auto offer = rig.peer->offer();
    offer.receives = receives;
    offer.segment_bytes = segment_bytes;
    EXPECT_FALSE(rig.endpoint->connect(offer));
    EXPECT_TRUE(rig.endpoint->offered());
  }
}

TEST(Endpoint, WhenItsOwnerStopsNothingMoreIsServed) {
  EndpointRig rig;
  rig.join();
  rig.owner.stops = true;
  rig.peer->send(EndpointRig::message(kCall), kCall.payload);
  rig.peer->send(wanted(1));
  rig.peer->send({.kind = SegmentKind(9)});
  rig.turn();
  EXPECT_TRUE(rig.owner.messages.empty());
  EXPECT_TRUE(rig.owner.wanted.empty());
  EXPECT_TRUE(rig.owner.failures.empty());
  EXPECT_GT(rig.owner.settled, 0);
}

}  // namespace
}  // namespace netbinder::rdma
