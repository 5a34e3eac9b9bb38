// SPDX-License-Identifier: Apache-2.0
//
// An endpoint against a hand-made peer: what it sends, with which credit, into which leases, and
// what is left when it ends.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/transport/endpoint_rig.h"

namespace netbinder::rdma {
namespace {

constexpr std::uint32_t kCredit = kReceives - kReservedReceives;

template <typename T>
std::vector<T> frames_of(const HandMadePeer& peer) {
  std::vector<T> found;
  for (const auto& arrived : peer.frames) {
    if (const auto* one = std::get_if<T>(&arrived.frame)) found.push_back(*one);
  }
  return found;
}

// ---- Credit ----

TEST(EndpointCredit, NoMoreIsSentThanThePeerHasReceivesForLessFour) {
  EndpointRig rig;
  rig.join();
  std::vector<Received> calls;
  for (std::uint64_t i = 1; i <= 500; ++i) calls.push_back(rig.queue(i, 64));
  rig.endpoint->pump();
  rig.turn();
  EXPECT_EQ(rig.peer->segments.size(), kCredit);  // the probe among them
  // However often it is asked.
  for (int i = 0; i < 5; ++i) {
    rig.endpoint->pump();
    rig.turn();
  }
  EXPECT_EQ(rig.peer->segments.size(), kCredit);
  std::size_t expected = kCredit;
  for (const std::uint16_t more : std::vector<std::uint16_t>{1, 7, 0, 60, 2}) {
    rig.peer->give_credit(more);
    rig.turn();
    expected += more;
    EXPECT_EQ(rig.peer->segments.size(), expected);
  }
  while (rig.peer->frames.size() < calls.size()) {
    rig.peer->give_credit(30);
    rig.turn();
  }
  for (std::size_t i = 0; i < calls.size(); ++i) {
    const auto& message = std::get<frame::Message>(rig.peer->frames[i].frame);
    EXPECT_EQ((Received{message.content, rig.peer->frames[i].payload}), calls[i]);
  }
  EXPECT_TRUE(rig.owner.failures.empty());
}

TEST(EndpointCredit, OfAPeerWithFewReceivesNeverMoreThanItHas) {
  EndpointRig rig(9, 1024);
  rig.join();
  rig.peer->reposts = false;
  rig.queue(1, 4000, false);
  rig.endpoint->pump();
  rig.turn();
  EXPECT_EQ(rig.peer->segments.size(), 5U);
  for (const auto& segment : rig.peer->segments) {
    EXPECT_LE(sizeof segment.header + segment.body.size(), 1024U);
  }
  EXPECT_TRUE(rig.peer->frames.empty());
  rig.peer->give_credit(5);
  rig.turn();
  EXPECT_EQ(rig.peer->segments.size(), 6U);
  EXPECT_EQ(rig.peer->frames.size(), 1U);
  EXPECT_TRUE(rig.owner.failures.empty());
}

TEST(EndpointCredit, IsGivenBackWhenThereIsNothingElseToSend) {
  EndpointRig rig;
  rig.join();
  const Received call = numbered_call(1, 64);
  const std::uint64_t before = rig.peer->credited;
  std::uint64_t sent = 0;
  for (int i = 0; i < 500; ++i) {
    ASSERT_GT(rig.peer->credits, 0);
    rig.peer->send(EndpointRig::message(call), call.payload);
    ++sent;
    rig.turn();
    ASSERT_LT(sent - (rig.peer->credited - before), kCreditReturn) << "kept back";
  }
  EXPECT_EQ(rig.owner.messages.size(), 500U);
  // Credit does not go back for each segment, and takes no credit itself.
  EXPECT_EQ(rig.peer->of_kind(SegmentKind::kCredit), 500 / kCreditReturn);
  EXPECT_EQ(rig.peer->segments.size(), 1 + 500 / kCreditReturn);
}

TEST(EndpointCredit, GoesAlongWithMessages) {
  EndpointRig rig;
  rig.join();
  const Received call = numbered_call(1, 64);
  for (std::uint64_t i = 1; i <= 200; ++i) {
    rig.peer->send(EndpointRig::message(call), call.payload);
    rig.turn();
    rig.queue(i, 64);
    rig.endpoint->pump();
    rig.turn();
    EXPECT_EQ(rig.peer->segments.back().header.credits, 1);
    rig.peer->give_credit(1);
  }
  EXPECT_EQ(rig.peer->of_kind(SegmentKind::kCredit), 0U);
}

TEST(EndpointCredit, HasReceivesOfItsOwnWhenBothWaitForIt) {
  EndpointRig rig;
  rig.join();
  rig.peer->reposts = false;
  for (std::uint64_t i = 1; i <= 100; ++i) rig.queue(i, 64);
  rig.endpoint->pump();
  rig.turn();
  EXPECT_EQ(rig.peer->segments.size(), kCredit);
  const Received call = numbered_call(1, 64);
  while (rig.peer->credits > 0) rig.peer->send(EndpointRig::message(call), call.payload);
  rig.turn();
  EXPECT_EQ(rig.peer->of_kind(SegmentKind::kCredit), 1U);
  EXPECT_GE(rig.peer->credits, kCreditReturn);
  EXPECT_TRUE(rig.owner.failures.empty());
  EXPECT_FALSE(rig.peer->failed);
}

// ---- Leases of the peer's ----

TEST(EndpointLease, ThePayloadIsThereWhenItsMessageArrives) {
  EndpointRig rig;
  rig.join();
  const Received call = rig.queue(1, 100'000);
  rig.endpoint->pump();
  rig.turn();
  const auto asked = frames_of<frame::LeaseWanted>(*rig.peer);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].request.bytes, call.payload.size());
  EXPECT_FALSE(asked[0].request.ahead);
  EXPECT_EQ(std::get<NodeNumber>(asked[0].request.recipient), NodeNumber(2));
  rig.peer->send(rig.peer->grant(asked[0].number, LeaseId(77), call.payload.size(), 64));
  rig.turn();
  ASSERT_EQ(rig.peer->frames.size(), 2U);
  EXPECT_EQ(rig.peer->frames[1].header.lease, 77U);
  EXPECT_EQ(rig.peer->frames[1].header.payload_bytes, call.payload.size());
  EXPECT_TRUE(std::ranges::equal(rig.peer->arena().subspan(64, call.payload.size()), call.payload));
  // Bytes beside the place are untouched.
  EXPECT_EQ(rig.peer->arena()[63], std::byte{});
  EXPECT_EQ(rig.peer->arena()[64 + call.payload.size()], std::byte{});
  EXPECT_EQ(rig.endpoint->counters().payload_bytes_written, call.payload.size());
  EXPECT_EQ(rig.endpoint->counters().payload_bytes_copied, 0U);
}

TEST(EndpointLease, RefusedThePayloadFollows) {
  EndpointRig rig;
  rig.join();
  const Received call = rig.queue(1, 100'000);
  rig.endpoint->pump();
  rig.turn();
  rig.peer->send(rig.peer->grant(1, LeaseId(0), 0));
  rig.turn();
  ASSERT_EQ(rig.peer->frames.size(), 2U);
  EXPECT_EQ(rig.peer->frames[1].payload, call.payload);
}

TEST(EndpointLease, MessagesKeepTheirOrderHoweverTheirPayloadsGo) {
  EndpointRig rig;
  rig.join();
  std::vector<Received> calls;
  for (std::uint64_t i = 1; i <= 12; ++i) calls.push_back(rig.queue(i, i % 3 == 0 ? 8192 : 64));
  rig.endpoint->pump();
  rig.turn();
  // All leases have been asked for at once.
  const auto asked = frames_of<frame::LeaseWanted>(*rig.peer);
  ASSERT_EQ(asked.size(), 4U);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const LeaseId lease(i % 2 == 0 ? 0 : i);
    rig.peer->send(rig.peer->grant(asked[i].number, lease, asked[i].request.bytes, i * 8192));
    rig.turn();
  }
  std::vector<std::uint64_t> order;
  for (const auto& message : frames_of<frame::Message>(*rig.peer)) {
    order.push_back(std::get<peer::Call>(message.content).call.value());
  }
  EXPECT_EQ(order, (std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
}

TEST(EndpointLease, OfSmallOrPlainPayloadsNoneIsAskedFor) {
  EndpointRig rig;
  rig.join();
  rig.queue(1, kLeasedPayloadBytes - 8);
  rig.queue(2, 100'000, false);  // not where the device could read it
  rig.endpoint->pump();
  rig.turn();
  EXPECT_EQ(frames_of<frame::LeaseWanted>(*rig.peer).size(), 0U);
  EXPECT_EQ(frames_of<frame::Message>(*rig.peer).size(), 2U);
  rig.queue(3, kLeasedPayloadBytes);
  rig.endpoint->pump();
  rig.turn();
  EXPECT_EQ(frames_of<frame::LeaseWanted>(*rig.peer).size(), 1U);
}

// So many writes would never fit into one chain with their message.
TEST(EndpointLease, OfADeviceWithShortMessagesNoneIsAskedForPayloadsOfManyWrites) {
  EndpointRig rig(kReceives, kSegmentBytes,
                  {.max_message_bytes = kSegmentBytes, .max_inline_bytes = 512});
  rig.join();
  const Received call = rig.queue(1, 100 * kSegmentBytes);
  rig.endpoint->pump();
  for (int i = 0; i < 20 && rig.peer->frames.size() < 2; ++i) {
    rig.turn();
    for (const auto& asked : frames_of<frame::LeaseWanted>(*rig.peer)) {
      if (i == 0) rig.peer->send(rig.peer->grant(asked.number, LeaseId(1), asked.request.bytes));
    }
    rig.peer->give_credit(static_cast<std::uint16_t>(i == 0 ? 1 : 30));
  }
  rig.turn();
  const auto messages = frames_of<frame::Message>(*rig.peer);
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(rig.peer->frames.back().payload, call.payload);
}

// ---- Leases of ours ----

TEST(EndpointLease, GivenOnesEndOnceWithTheEndpointAndTheirKeysWithThem) {
  EndpointRig rig;
  rig.join();
  for (std::uint64_t i = 1; i <= 4; ++i) rig.peer->send(wanted(i, 4096));
  rig.turn();
  const auto granted = frames_of<frame::LeaseGranted>(*rig.peer);
  ASSERT_EQ(granted.size(), 4U);
  EXPECT_EQ(granted[0].number, 1U);
  EXPECT_EQ(granted[0].key, granted[3].key) << "one arena, one registration";
  const std::vector<std::byte> scribble(4096, std::byte{0x11});
  rig.peer->write(scribble, granted[1].address, granted[1].key);
  rig.turn();
  EXPECT_EQ(rig.owner.leases[granted[1].lease][4095], std::byte{0x11});
  rig.peer->send(frame::LeaseReturned{granted[0].lease});
  const Received call = numbered_call(9, 4096);
  rig.peer->send(EndpointRig::message(call), {}, granted[1].lease, call.payload.size());
  rig.turn();
  ASSERT_EQ(rig.owner.with_lease.size(), 1U);

  const auto place = rig.owner.leases[granted[2].lease];
  rig.endpoint->close(Endpoint::Tell::kOwner);
  EXPECT_TRUE(rig.owner.leases.empty());
  for (const auto& grant : granted) EXPECT_EQ(rig.owner.endings[grant.lease], 1);
  rig.endpoint->close(Endpoint::Tell::kOwner);
  for (const auto& grant : granted) EXPECT_EQ(rig.owner.endings[grant.lease], 1);
  rig.expect_nothing_of_it_left();
  rig.peer->write(scribble, granted[2].address, granted[2].key);
  rig.turn();
  EXPECT_TRUE(rig.peer->failed);
  EXPECT_EQ(place[0], std::byte{});
  EXPECT_EQ(rig.verbs.misuse(), MemoryVerbs::Misuse{});
}

TEST(EndpointLease, AnOwnerThatEndsIsToldOfNone) {
  EndpointRig rig;
  rig.join();
  rig.peer->send(wanted(1));
  rig.turn();
  rig.endpoint->close(Endpoint::Tell::kNobody);
  EXPECT_TRUE(rig.owner.endings.empty());
  rig.expect_nothing_of_it_left();
}

TEST(EndpointLease, WhatCannotBeRegisteredIsRefusedAndEnds) {
  EndpointRig rig;
  rig.join();
  rig.verbs.fail_next_registration(0, "no more");
  rig.peer->send(wanted(1));
  rig.turn();
  const auto granted = frames_of<frame::LeaseGranted>(*rig.peer);
  ASSERT_EQ(granted.size(), 1U);
  EXPECT_EQ(granted[0].lease, LeaseId{});
  EXPECT_EQ(rig.owner.endings.size(), 1U);
  EXPECT_TRUE(rig.owner.leases.empty());
}

TEST(EndpointLease, NoPeerHasMoreThanItsShare) {
  EndpointRig rig;
  rig.join();
  std::uint64_t refused = 0;
  for (std::uint64_t i = 1; i <= kMaxGiven + 10; ++i) {
    rig.peer->send(wanted(i, 16));
    rig.turn();
    rig.peer->give_credit(1);
    rig.turn();
    refused += frames_of<frame::LeaseGranted>(*rig.peer).back().lease == LeaseId{} ? 1 : 0;
    rig.peer->frames.clear();
  }
  EXPECT_EQ(refused, 10U);
  EXPECT_EQ(rig.owner.leases.size(), kMaxGiven);
  EXPECT_TRUE(rig.owner.failures.empty());
}

// A peer that asks and gives no credit for the answers could have us keep any number of them.
TEST(EndpointLease, APeerThatDoesNotTakeItsAnswersIsCutOff) {
  EndpointRig rig;
  rig.join();
  rig.owner.gives_leases = false;
  for (std::uint64_t i = 1; i <= 10'000 && rig.owner.failures.empty(); ++i) {
    if (rig.peer->credits == 0) rig.turn();
    rig.peer->send(wanted(i));
  }
  rig.turn();
  ASSERT_EQ(rig.owner.failures.size(), 1U);
  EXPECT_TRUE(rig.owner.broke_protocol);
  EXPECT_LE(rig.owner.wanted.size(), kCredit + kMaxUnanswered);
  rig.expect_nothing_of_it_left();
}

// ---- Failure ----

TEST(EndpointFailure, IsReportedOnceWhateverFails) {
  using Cause = void (*)(EndpointRig&);
  const std::pair<Cause, const char*> causes[] = {
      {[](EndpointRig& rig) {
         rig.verbs.drop_queue_pair(0, rig.endpoint->offer().queue_pair.number);
       },
       "a receive failed: "},
      {[](EndpointRig& rig) { rig.verbs.make_fatal(0, "smoke"); }, "a receive failed: "},
      {[](EndpointRig& rig) { rig.verbs.make_fatal(0, "smoke", false); },
       "the device is lost: smoke"},
      {[](EndpointRig& rig) { rig.verbs.port_down(0); }, "the device is lost: port 1 went down"},
      {[](EndpointRig& rig) {
         rig.verbs.fail_next_receive(0, CompletionStatus::kLocal);
         rig.peer->send({.kind = SegmentKind::kProbe});
       },
       "a receive failed: "},
      {[](EndpointRig& rig) {
         rig.verbs.fail_next_post(0, -ENOMEM);
         rig.queue(1, 64);
         rig.endpoint->pump();
         EXPECT_TRUE(rig.owner.failures.empty()) << "from inside of pump()";
       },
       "cannot post a send: error 12"},
      {[](EndpointRig& rig) {
         rig.peer->send({.kind = SegmentKind::kProbe});
         rig.verbs.fail_next_post(0, -ENOMEM);
       },
       "cannot post a receive: error 12"},
      {[](EndpointRig& rig) {
         rig.verbs.fail_next_send(0, SendRequest::Kind::kSend, CompletionStatus::kRetriesExceeded);
         for (std::uint64_t i = 1; i <= 40; ++i) rig.queue(i, 64);
         rig.endpoint->pump();
       },
       "a send failed: "},
      {[](EndpointRig& rig) { rig.peer->send({.kind = SegmentKind(7)}); },
       "the peer broke the protocol: "},
  };
  for (const auto& [cause, reason] : causes) {
    SCOPED_TRACE(reason);
    EndpointRig rig;
    rig.join();
    rig.peer->send(wanted(1));
    rig.turn();
    cause(rig);
    rig.turn();
    rig.endpoint->pump();
    rig.turn();
    ASSERT_EQ(rig.owner.failures.size(), 1U);
    EXPECT_TRUE(rig.owner.failures[0].starts_with(reason)) << rig.owner.failures[0];
    EXPECT_TRUE(rig.owner.leases.empty());
    EXPECT_EQ(rig.owner.endings[LeaseId(1)], 1);
    rig.expect_nothing_of_it_left();
  }
}

TEST(EndpointFailure, OfItsMakingLeavesNothing) {
  for (int what = 0; what < 4; ++what) {
    SCOPED_TRACE(what);
    EndpointRig rig;
    const auto before = rig.adapter->registered_bytes();
    if (what == 0) rig.verbs.fail_next_registration(0, "no");
    if (what == 1) rig.verbs.fail_next_queue_pair(0, "no");
    if (what == 2) rig.verbs.fail_next_post(0, -ENOMEM);
    if (what == 3) (void)rig.adapter->reserve((std::uint64_t{64} << 20) - before - 1000);
    EndpointRecorder other;
    EXPECT_FALSE(Endpoint::create(rig.adapter, std::make_shared<Staging>(1 << 20), other));
    if (what == 3) rig.adapter->release((std::uint64_t{64} << 20) - before - 1000);
    EXPECT_EQ(rig.adapter->registered_bytes(), before);
    EXPECT_EQ(rig.verbs.queue_pairs(0), 1U);
    EXPECT_EQ(rig.verbs.usage().domains, 2U);
    rig.join();
  }
}

}  // namespace
}  // namespace netbinder::rdma
