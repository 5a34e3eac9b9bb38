// SPDX-License-Identifier: Apache-2.0
//
// One end of a session, against hand-made frames.
#include "transport/acceptance.h"
#include "transport/session.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>

#include "tests/transport/session_end.h"
#include "transport/limits.h"

namespace netbinder {
namespace {

TEST(Session, MessagesInOrderAreDeliveredAndAcknowledged) {
  Acceptor end;
  EXPECT_EQ(end.message(1), Next::kReadOn);
  EXPECT_EQ(end.message(2), Next::kReadOn);
  EXPECT_EQ(end.peer().messages.size(), 2U);
  EXPECT_FALSE(end.out());  // the acknowledgement waits for a message to ride on
  EXPECT_EQ(end.session.next_tick_ms(), end.now_ms + kTiming.ack_delay_ms);
  EXPECT_FALSE(end.tick(kTiming.ack_delay_ms));
  EXPECT_EQ(end.out_as<frame::Ack>(), frame::Ack{Sequence(2)});
  EXPECT_FALSE(end.out());
}

TEST(Session, AnAcknowledgementRidesOnAMessage) {
  Acceptor end;
  end.message(1);
  end.send(5);
  const auto message = end.out_as<frame::Message>();
  EXPECT_EQ(message.sequence, Sequence(1));
  EXPECT_EQ(message.received, Sequence(1));
  EXPECT_FALSE(end.tick(kTiming.ack_delay_ms));
  EXPECT_FALSE(end.out());
}

TEST(Session, ManyMessagesAreAcknowledgedAtOnce) {
  Acceptor end;
  for (std::uint64_t i = 1; i <= limits::kAckEveryMessages; ++i) end.message(i);
  EXPECT_EQ(end.out_as<frame::Ack>(), frame::Ack{Sequence(limits::kAckEveryMessages)});
  EXPECT_FALSE(end.out());
}

TEST(Session, ADuplicateIsDropped) {
  Acceptor end;
  end.message(1);
  EXPECT_EQ(end.message(1), Next::kReadOn);
  EXPECT_EQ(end.peer().messages.size(), 1U);
  EXPECT_EQ(end.session.counters().duplicates, 1U);
  // Its payload is read and forgotten.
  auto call = numbered_call(9, 64);
  auto outcome = end.session.frame_arrived(frame::Message{Sequence(1), Sequence(0), call.message},
                                           64, end.now_ms);
  EXPECT_EQ(outcome.next, Next::kPayload);
  EXPECT_TRUE(outcome.destination.bytes.empty());
  EXPECT_EQ(end.session.payload_arrived(end.now_ms).next, Next::kReadOn);
  EXPECT_EQ(end.peer().messages.size(), 1U);
  EXPECT_EQ(end.message(2), Next::kReadOn);
}

TEST(Session, AGapEndsTheSession) {
  Acceptor end;
  end.message(1);
  EXPECT_EQ(end.message(3), Next::kStop);
  EXPECT_EQ(end.message(2), Next::kStop);  // nothing more is heard
  EXPECT_EQ(end.peer().messages.size(), 1U);
  EXPECT_TRUE(end.session.tick(end.now_ms));
  EXPECT_EQ(end.out_as<frame::Goodbye>().reason, GoodbyeReason::kProtocolError);
  EXPECT_EQ(end.peer().losses, 0);
  end.disconnect();
  EXPECT_EQ(end.peer().losses, 1);
}

TEST(Session, AnAcknowledgementOfWhatWasNotSentEndsTheSession) {
  for (const Frame& frame : {Frame(frame::Ack{Sequence(2)}), Frame(frame::Heartbeat{Sequence(2)}),
                             Frame(frame::Message{Sequence(1), Sequence(2), peer::NodeDied{}})}) {
    Acceptor end;
    end.send(1);
    end.send(2);
    EXPECT_TRUE(end.out());  // the second one is still here
    EXPECT_EQ(end.in(frame), Next::kStop);
    EXPECT_TRUE(end.session.ending());
  }
}

TEST(Session, AHandshakeInsideASessionEndsIt) {
  Acceptor end;
  EXPECT_EQ(end.in(End::hello()), Next::kStop);
  EXPECT_TRUE(end.session.ending());
}

TEST(Session, WhatWasNotReceivedIsSentAgainAfterResumption) {
  Acceptor end;
  for (std::uint64_t i = 1; i <= 4; ++i) end.send(i);
  while (end.out()) {
  }
  end.in(frame::Ack{Sequence(1)});
  end.message(1);
  end.disconnect();
  end.send(5);
  EXPECT_FALSE(end.out());
  end.now_ms += kTiming.timeout_ms - 1;
  EXPECT_FALSE(end.session.tick(end.now_ms));
  end.accept(End::hello(41, 2));
  EXPECT_EQ(end.out_as<frame::Welcome>().received, Sequence(1));
  for (std::uint64_t i = 3; i <= 5; ++i) {
    EXPECT_EQ(end.out_as<frame::Message>().sequence, Sequence(i));
  }
  EXPECT_FALSE(end.out());
  EXPECT_EQ(end.peer().sessions, 1);
  EXPECT_EQ(end.peer().losses, 0);
  EXPECT_EQ(end.session.counters().resumed, 1U);
}

TEST(Session, TheDialerResumesToo) {
  Dialer end;
  end.send(1);
  end.send(2);
  while (end.out()) {
  }
  end.message(1);
  end.disconnect();
  end.session.connected(end.now_ms);
  EXPECT_EQ(end.out_hello(), End::hello(7, 1));
  EXPECT_FALSE(end.out());  // nothing before the welcome
  EXPECT_EQ(end.welcomed(7, 1), Next::kReadOn);
  EXPECT_EQ(end.out_as<frame::Message>().sequence, Sequence(2));
  EXPECT_EQ(end.message(2), Next::kReadOn);
  EXPECT_EQ(end.peer().sessions, 1);
}

TEST(Session, APayloadCutShortIsAbandonedAndArrivesAgain) {
  Acceptor end;
  const auto call = numbered_call(1, 64);
  const frame::Message message{Sequence(1), Sequence(0), call.message};
  auto outcome = end.session.frame_arrived(message, 64, end.now_ms);
  ASSERT_EQ(outcome.next, Next::kPayload);
  ASSERT_EQ(outcome.destination.bytes.size(), 64U);
  end.disconnect();
  EXPECT_EQ(end.peer().abandoned, 1);
  end.accept(End::hello(41));
  EXPECT_EQ(end.out_as<frame::Welcome>().received, Sequence(0));
  outcome = end.session.frame_arrived(message, 64, end.now_ms);
  ASSERT_EQ(outcome.next, Next::kPayload);
  std::ranges::copy(call.payload, outcome.destination.bytes.begin());
  EXPECT_EQ(end.session.payload_arrived(end.now_ms).next, Next::kReadOn);
  ASSERT_EQ(end.peer().messages.size(), 1U);
  EXPECT_EQ(end.peer().messages[0], call);
}

TEST(Session, AnEmptyPayloadArrivesLikeAnother) {
  Acceptor end;
  const auto call = numbered_call(1, 0);
  EXPECT_EQ(end.in(frame::Message{Sequence(1), Sequence(0), call.message}), Next::kReadOn);
  ASSERT_EQ(end.peer().messages.size(), 1U);
  EXPECT_EQ(end.peer().messages[0], call);
}

TEST(Session, AClaimToHaveReceivedWhatWasNotSentIsNotResumed) {
  Acceptor end;
  end.send(1);
  end.out();
  end.disconnect();
  end.accept(End::hello(41, 2));
  EXPECT_EQ(end.out_as<frame::Welcome>().session, SessionId(42));
  EXPECT_EQ(end.peer().losses, 1);
  EXPECT_EQ(end.peer().sessions, 2);
}

TEST(Session, AClaimToHaveReceivedLessThanWasAcknowledgedIsNotResumed) {
  Acceptor end;
  end.send(1);
  end.out();
  end.in(frame::Ack{Sequence(1)});
  end.disconnect();
  end.accept(End::hello(41, 0));
  EXPECT_EQ(end.peer().losses, 1);
  EXPECT_EQ(end.peer().sessions, 2);
}

TEST(Session, ASessionWithoutALinkIsGivenUpAfterItsTimeoutAndNotResumed) {
  Acceptor end;
  end.send(1);
  end.disconnect();
  EXPECT_EQ(end.session.next_tick_ms(), end.now_ms + kTiming.timeout_ms);
  EXPECT_FALSE(end.tick(kTiming.timeout_ms));
  EXPECT_EQ(end.peer().losses, 1);
  end.send(2);  // to nobody
  end.accept(End::hello(41, 0));
  const auto welcome = end.out_as<frame::Welcome>();
  EXPECT_EQ(welcome.session, SessionId(42));
  EXPECT_FALSE(end.out());
  EXPECT_EQ(end.peer().sessions, 2);
}

TEST(Session, TheTimeoutCountsAtTheHandshakeEvenIfNoTickCameBefore) {
  Acceptor end;
  end.disconnect();
  end.now_ms += kTiming.timeout_ms;
  end.accept(End::hello(41, 0));
  EXPECT_EQ(end.peer().losses, 1);
  EXPECT_EQ(end.peer().sessions, 2);
}

TEST(Session, FailedHandshakesDoNotKeepASessionAlive) {
  Dialer end;
  end.disconnect();
  for (int i = 0; i < 4; ++i) {
    end.now_ms += 1000;
    EXPECT_FALSE(end.session.tick(end.now_ms));
    end.session.connected(end.now_ms);
    end.disconnect();
  }
  EXPECT_EQ(end.peer().losses, 0);
  end.session.connected(end.now_ms);
  EXPECT_EQ(end.out_as<frame::Hello>().session, SessionId(7));
  // The greeting in progress asks for a session that is no more.
  EXPECT_TRUE(end.tick(1000));
  EXPECT_EQ(end.peer().losses, 1);
  end.disconnect();
  end.session.connected(end.now_ms);
  EXPECT_EQ(end.out_as<frame::Hello>().session, SessionId(0));
}

TEST(Session, TheDialerLosesItsSessionBeforeItGetsANewOne) {
  Dialer end;
  end.disconnect();
  end.session.connected(end.now_ms);
  end.out();
  EXPECT_EQ(end.welcomed(8), Next::kReadOn);
  EXPECT_EQ(end.peer().losses, 1);
  EXPECT_EQ(end.peer().sessions, 2);
  EXPECT_EQ(end.message(1), Next::kReadOn);  // numbers start again
}

TEST(Session, ARestartedPeerIsANewOne) {
  Acceptor end;
  end.message(1);
  end.disconnect();
  end.accept(End::hello(0, 0, 555));
  EXPECT_EQ(end.peer().losses, 1);
  EXPECT_EQ(end.peer().incarnation, Incarnation(555));
  // Whoever answers now is there, whatever was before.
  EXPECT_FALSE(end.session.refusal(End::hello(0, 0, 102)));
}

TEST(Session, TheDialerGoesWithWhoAnswers) {
  Dialer end;
  end.disconnect();
  end.session.connected(end.now_ms);
  EXPECT_EQ(end.welcomed(9, 0, 555), Next::kReadOn);
  EXPECT_EQ(end.peer().incarnation, Incarnation(555));
  end.disconnect();
  end.session.connected(end.now_ms);
  EXPECT_EQ(end.welcomed(10, 0, 101), Next::kReadOn);
  EXPECT_EQ(end.peer().sessions, 3);
  EXPECT_EQ(end.peer().losses, 2);
}

// ---- the handshake ----

// The dialer's messages on a connection, and the acceptor's side of it.
struct Connection {
  explicit Connection(std::uint64_t incarnation, ClusterKey with = {})
      : hello(End::hello(0, 0, incarnation)), key(std::move(with)) {
    hello.nonce = {static_cast<std::uint8_t>(incarnation)};
  }
  // True if the acceptor has challenged it.
  bool greet(End& end) { return challenged(acceptance.greeted(end.session, hello)); }
  [[nodiscard]] frame::Answer answer() const { return {key.of_dialer(hello, challenge)}; }
  bool challenged(const Acceptance::Step& step) {
    const auto* asked = std::get_if<frame::Challenge>(&step);
    if (asked != nullptr) challenge = *asked;
    return asked != nullptr;
  }
  // True if that was all, and the link is the peer's now.
  bool answered(End& end, const frame::Answer& with) {
    const auto step = acceptance.answered(end.session, with);
    if (challenged(step) || std::holds_alternative<frame::Refuse>(step)) return false;
    if (!end.session.link_down()) end.disconnect();
    end.session.accept(acceptance.hello(), acceptance.challenge(), end.now_ms);
    return true;
  }

  frame::Hello hello;
  ClusterKey key;
  Acceptance acceptance;
  frame::Challenge challenge;
};

TEST(Handshake, AHelloAloneBeginsNothing) {
  Acceptor end;
  Connection late(102);
  EXPECT_TRUE(late.greet(end));
  EXPECT_EQ(end.peer().losses, 0);
  EXPECT_TRUE(end.session.link_up());
}

// An agent dies with its greeting, and even its answer, still under way. Its successor is there when
// they arrive.
TEST(Handshake, WhatADeadAgentHasSaidDoesNotDisplaceItsSuccessor) {
  Acceptor end;
  Connection dead(104);
  ASSERT_TRUE(dead.greet(end));
  const frame::Answer late = dead.answer();
  Connection successor(105);
  ASSERT_TRUE(successor.greet(end));
  ASSERT_TRUE(successor.answered(end, successor.answer()));
  EXPECT_EQ(end.peer().incarnation, Incarnation(105));
  EXPECT_FALSE(dead.answered(end, late)) << "it is asked again";
  EXPECT_FALSE(dead.answered(end, late)) << "and that is no answer to it";
  EXPECT_EQ(end.peer().incarnation, Incarnation(105));
  EXPECT_TRUE(end.session.link_up());
  // A host that was displaced by mistake has a way back.
  Connection again(105);
  ASSERT_TRUE(again.greet(end));
  EXPECT_TRUE(again.answered(end, again.answer()));
}

TEST(Handshake, OneThatIsChallengedAgainAnswersAgain) {
  Acceptor end;
  Connection first(102);
  Connection second(102);
  ASSERT_TRUE(first.greet(end));
  ASSERT_TRUE(second.greet(end));
  ASSERT_TRUE(second.answered(end, second.answer()));
  const frame::Challenge before = first.challenge;
  EXPECT_FALSE(first.answered(end, first.answer()));
  EXPECT_NE(first.challenge.nonce, before.nonce);
  EXPECT_TRUE(first.answered(end, first.answer()));
}

TEST(Handshake, WhoDoesNotKnowTheKeyIsRefused) {
  End end(1, {}, ClusterKey("secret"));
  for (const char* key : {"", "Secret", "secret "}) {
    Connection stranger(102, ClusterKey(key));
    ASSERT_TRUE(stranger.greet(end));
    const auto step = stranger.acceptance.answered(end.session, stranger.answer());
    ASSERT_TRUE(std::holds_alternative<frame::Refuse>(step)) << key;
    EXPECT_EQ(std::get<frame::Refuse>(step).reason, RefuseReason::kKey);
  }
  EXPECT_FALSE(end.peer().established);
  Connection friendly(102, ClusterKey("secret"));
  ASSERT_TRUE(friendly.greet(end));
  EXPECT_TRUE(friendly.answered(end, friendly.answer()));
}

// Each value is where only it can be, and what an acceptor proves is nothing that a dialer does.
TEST(Handshake, AProofIsOfAllThatWasSaid) {
  const ClusterKey key("secret");
  const frame::Hello hello = End::hello();
  const frame::Challenge challenge = End::challenge();
  const Proof proof = key.of_dialer(hello, challenge);
  const auto differs = [&](auto change) {
    frame::Hello other = hello;
    frame::Challenge other_challenge = challenge;
    change(other, other_challenge);
    EXPECT_NE(key.of_dialer(other, other_challenge), proof);
  };
  differs([](frame::Hello& h, frame::Challenge&) { h.host = HostId(9); });
  differs([](frame::Hello& h, frame::Challenge&) { h.incarnation = Incarnation(9); });
  differs([](frame::Hello& h, frame::Challenge&) { h.session = SessionId(9); });
  differs([](frame::Hello& h, frame::Challenge&) { h.nonce = {9}; });
  differs([](frame::Hello& h, frame::Challenge&) { h.host_name = "hos", h.cluster = "testt2"; });
  differs([](frame::Hello&, frame::Challenge& c) { c.nonce = {9}; });
  differs([](frame::Hello&, frame::Challenge& c) { c.incarnation = Incarnation(9); });
  EXPECT_NE(key.of_acceptor(hello, challenge, {}), proof);
}

TEST(Handshake, TheDialerWantsAProofToo) {
  Dialer end;
  end.disconnect();
  end.session.connected(end.now_ms);
  while (end.out()) {
  }
  EXPECT_EQ(end.in(End::challenge()), Next::kReadOn);
  EXPECT_EQ(end.in(frame::Welcome{.session = SessionId(7), .received = {}, .proof = {}}),
            Next::kStop);
  EXPECT_EQ(end.peer().losses, 0);
}

TEST(Session, HellosThatDoNotFitAreRefused) {
  Acceptor end;
  const auto reason = [&](const frame::Hello& hello) {
    const auto refusal = end.session.refusal(hello);
    return refusal ? std::optional(refusal->reason) : std::nullopt;
  };
  EXPECT_EQ(reason(End::hello()), std::nullopt);
  auto hello = End::hello();
  hello.version = WireVersion{kNewestVersion.value() + 1};
  EXPECT_EQ(reason(hello), RefuseReason::kVersion);
  hello = End::hello();
  hello.cluster = "other";
  EXPECT_EQ(reason(hello), RefuseReason::kCluster);
  hello = End::hello();
  hello.host = HostId(3);
  EXPECT_EQ(reason(hello), RefuseReason::kUnknownHost);
  hello = End::hello();
  hello.peer = HostId(3);
  EXPECT_EQ(reason(hello), RefuseReason::kUnknownHost);
  hello = End::hello();
  hello.host_name = "host3";
  EXPECT_EQ(reason(hello), RefuseReason::kHostName);
  hello = End::hello();
  hello.incarnation = Incarnation(0);
  EXPECT_EQ(reason(hello), RefuseReason::kStaleIncarnation);

  End dialer(2);
  hello = End::hello();
  hello.host = HostId(1);
  hello.host_name = "host1";
  hello.peer = HostId(2);
  const auto refusal = dialer.session.refusal(hello);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, RefuseReason::kDirection);
}

TEST(Session, AnotherHostThatAnswersDoesNotCostTheSession) {
  Dialer end;
  end.disconnect();
  end.session.connected(end.now_ms);
  auto challenge = End::challenge();
  challenge.host_name = "somebody";
  EXPECT_EQ(end.in(challenge), Next::kStop);
  end.settle();
  EXPECT_EQ(end.peer().losses, 0);
  end.session.connected(end.now_ms);
  EXPECT_EQ(end.in(frame::Refuse{.reason = RefuseReason::kCluster, .detail = "no"}), Next::kStop);
  end.settle();
  EXPECT_EQ(end.peer().losses, 0);
  EXPECT_TRUE(end.session.live());
}

TEST(Session, GoodbyeEndsTheSession) {
  Dialer end;
  EXPECT_EQ(end.in(frame::Goodbye{.reason = GoodbyeReason::kShutdown, .detail = "x"}), Next::kStop);
  end.settle();
  EXPECT_EQ(end.peer().losses, 1);
  end.session.connected(end.now_ms);
  EXPECT_EQ(end.out_as<frame::Hello>().session, SessionId(0));
}

TEST(Session, GivingUpCallsNobodyUntilTheLoopComes) {
  Dialer end;
  end.session.give_up(GoodbyeReason::kGivenUp, "enough");
  end.session.give_up(GoodbyeReason::kGivenUp, "twice");
  EXPECT_EQ(end.peer().losses, 0);
  EXPECT_EQ(end.message(1), Next::kStop);
  end.send(1);
  EXPECT_EQ(end.session.next_tick_ms(), 0U);
  EXPECT_EQ(end.session.tick(end.now_ms), "enough");
  EXPECT_EQ(end.out_as<frame::Goodbye>().detail, "enough");
  EXPECT_FALSE(end.out());
  end.disconnect();
  EXPECT_EQ(end.peer().losses, 1);
}

TEST(Session, GivingUpASuspendedSessionNeedsNoLink) {
  Dialer end;
  end.disconnect();
  end.session.give_up(GoodbyeReason::kGivenUp, "enough");
  EXPECT_FALSE(end.session.tick(end.now_ms));
  EXPECT_EQ(end.peer().losses, 1);
}

TEST(Session, GivingUpFromInsideAnEventStopsTheReading) {
  Acceptor end;
  end.recorder.on_message = [&](HostId, const Received&) {
    end.session.give_up(GoodbyeReason::kGivenUp, "bad message");
  };
  EXPECT_EQ(end.message(1), Next::kStop);
  EXPECT_EQ(end.message(2), Next::kStop);
  EXPECT_EQ(end.peer().messages.size(), 1U);

  Acceptor other;
  other.recorder.on_arriving = [&](HostId) {
    other.session.give_up(GoodbyeReason::kGivenUp, "bad message");
  };
  const auto call = numbered_call(1, 8);
  EXPECT_EQ(
      other.session
          .frame_arrived(frame::Message{Sequence(1), Sequence(0), call.message}, 8, other.now_ms)
          .next,
      Next::kStop);
  other.settle();
  EXPECT_EQ(other.peer().abandoned, 1);
  EXPECT_EQ(other.peer().losses, 1);
}

TEST(Session, SilenceIsFilledWithHeartbeats) {
  Acceptor end;
  EXPECT_EQ(end.session.next_tick_ms(), end.now_ms + kTiming.heartbeat_ms);
  EXPECT_FALSE(end.tick(kTiming.heartbeat_ms));
  EXPECT_EQ(end.out_as<frame::Heartbeat>(), frame::Heartbeat{Sequence(0)});
  EXPECT_EQ(end.session.next_tick_ms(), end.now_ms + kTiming.heartbeat_ms);
}

// The clocks of two hosts are compared if both tell theirs.
TEST(Session, HeartbeatsTellTheClock) {
  Acceptor end;
  EXPECT_EQ(end.in(frame::Heartbeat{.received = Sequence(0), .clock_ms = 5000}), Next::kReadOn);
  EXPECT_EQ(end.session.clock_ahead_ms(), std::nullopt) << "there is none to compare it with";
  end.session.set_wall_clock([] { return std::uint64_t{7000}; });
  EXPECT_FALSE(end.tick(kTiming.heartbeat_ms));
  EXPECT_EQ(end.out_as<frame::Heartbeat>().clock_ms, 7000U);
  EXPECT_EQ(end.in(frame::Heartbeat{.received = Sequence(0)}), Next::kReadOn);
  EXPECT_EQ(end.session.clock_ahead_ms(), std::nullopt) << "a host that does not tell";
  EXPECT_EQ(end.in(frame::Heartbeat{.received = Sequence(0), .clock_ms = 5000}), Next::kReadOn);
  EXPECT_EQ(end.session.clock_ahead_ms(), -2000);
  EXPECT_EQ(end.in(frame::Heartbeat{.received = Sequence(0), .clock_ms = 7001}), Next::kReadOn);
  EXPECT_EQ(end.session.clock_ahead_ms(), 1);
  EXPECT_EQ(end.in(frame::Heartbeat{.received = Sequence(0), .clock_ms = UINT64_MAX / 2}),
            Next::kReadOn);
  EXPECT_LT(*end.session.clock_ahead_ms(), INT64_MAX / 2) << "whatever a peer says";
}

TEST(Session, ASilentLinkIsClosedAndTheSessionLivesOn) {
  Acceptor end;
  for (std::uint32_t ms = 500; ms < kTiming.suspect_ms; ms += 500) EXPECT_FALSE(end.tick(500));
  EXPECT_TRUE(end.tick(500));
  end.disconnect();
  EXPECT_TRUE(end.session.live());
  EXPECT_EQ(end.peer().losses, 0);
}

TEST(Session, PartOfAFrameIsNoSilence) {
  Acceptor end;
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(end.tick(500));
    end.session.heard(end.now_ms);
  }
}

TEST(Session, AnEndThatDidNotRunDoesNotBlameThePeer) {
  Acceptor end;
  EXPECT_FALSE(end.tick(60'000));
  EXPECT_TRUE(end.session.link_up());
}

TEST(Session, AGreetingIsNotWaitedForForever) {
  End end(2);
  end.session.connected(end.now_ms);
  EXPECT_EQ(end.session.next_tick_ms(), end.now_ms + kTiming.handshake_ms);
  EXPECT_FALSE(end.tick(kTiming.handshake_ms - 1));
  EXPECT_TRUE(end.tick(1));
}

TEST(Session, OnlySoMuchIsInFlightAndTheRestWaits) {
  SessionLimits limits;
  limits.in_flight_messages = 3;
  Acceptor end(limits);
  for (std::uint64_t i = 1; i <= 5; ++i) end.send(i);
  for (std::uint64_t i = 1; i <= 3; ++i) EXPECT_TRUE(end.out());
  EXPECT_FALSE(end.out());
  end.in(frame::Ack{Sequence(1)});
  EXPECT_EQ(end.out_as<frame::Message>().sequence, Sequence(4));
  EXPECT_FALSE(end.out());
  // Acknowledgements are not held up by it.
  for (std::uint64_t i = 1; i <= limits::kAckEveryMessages; ++i) end.message(i);
  EXPECT_EQ(end.out_as<frame::Ack>(), frame::Ack{Sequence(limits::kAckEveryMessages)});
  end.in(frame::Ack{Sequence(4)});
  EXPECT_EQ(end.out_as<frame::Message>().sequence, Sequence(5));
}

TEST(Session, AMessageLargerThanWhatMayBeInFlightGoesAlone) {
  SessionLimits limits;
  limits.in_flight_bytes = 1000;
  Acceptor end(limits);
  const auto call = numbered_call(1, 4096);
  end.session.send(call.message, call.payload);
  end.session.send(call.message, call.payload);
  EXPECT_TRUE(end.out());
  EXPECT_FALSE(end.out());
  end.in(frame::Ack{Sequence(1)});
  EXPECT_TRUE(end.out());
  end.in(frame::Ack{Sequence(2)});
  EXPECT_EQ(end.session.backlog_bytes(), 0U);
}

TEST(Session, ABacklogOverItsBoundEndsTheSession) {
  SessionLimits by_count;
  by_count.backlog_messages = 3;
  SessionLimits by_bytes;
  by_bytes.backlog_bytes = 500;
  for (const auto& limits : {by_count, by_bytes}) {
    Acceptor end(limits);
    end.send(1);
    end.send(2);
    end.send(3);
    EXPECT_FALSE(end.session.ending());
    for (std::uint64_t i = 4; i < 10; ++i) end.send(i);
    EXPECT_TRUE(end.session.ending());
    EXPECT_TRUE(end.session.tick(end.now_ms));
    EXPECT_EQ(end.out_as<frame::Goodbye>().reason, GoodbyeReason::kOverflow);
    end.disconnect();
    EXPECT_EQ(end.peer().losses, 1);
  }
}

TEST(Session, AMessageThatCannotBeEncodedEndsTheSession) {
  Acceptor end;
  end.session.send(peer::ClaimContext{std::string(1000, 'x')}, {});
  EXPECT_TRUE(end.session.ending());
}

TEST(SessionTiming, WhatIsDueIsPutOffALittleToTimesThatSessionsHaveInCommon) {
  const SessionTiming timing{.heartbeat_ms = 500, .ack_delay_ms = 200};
  std::set<std::uint64_t> times;
  for (std::uint64_t due_ms = 1000; due_ms < 2000; ++due_ms) {
    const std::uint64_t at_ms = timing.common_time_ms(due_ms);
    EXPECT_GE(at_ms, due_ms);
    EXPECT_LE(at_ms, due_ms + 50);
    times.insert(at_ms);
  }
  EXPECT_LE(times.size(), 21U);
  EXPECT_EQ(timing.common_time_ms(0), 0U);
  EXPECT_EQ(timing.common_time_ms(Session::kNever), Session::kNever);
  const SessionTiming exact{.heartbeat_ms = 7, .ack_delay_ms = 3};
  EXPECT_EQ(exact.common_time_ms(1001), 1001U);
}

TEST(Session, EventsMaySend) {
  End end(1);
  end.recorder.on_established = [&](HostId) { end.send(1); };
  end.recorder.on_lost = [&](HostId) { end.send(2); };
  end.accept(End::hello());
  EXPECT_TRUE(std::holds_alternative<frame::Welcome>(*end.out()));
  EXPECT_EQ(end.out_as<frame::Message>().sequence, Sequence(1));
  end.disconnect();
  end.accept(End::hello());
  EXPECT_EQ(end.peer().losses, 1);
  end.out();
  EXPECT_EQ(end.out_as<frame::Message>().sequence, Sequence(1));
  EXPECT_FALSE(end.out());
}

}  // namespace
}  // namespace netbinder
