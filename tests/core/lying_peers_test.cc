// SPDX-License-Identifier: Apache-2.0
//
// References that peers pass on: what is theirs to claim, to introduce and to give back, and what
// becomes of it when one of the three is lost; and peers that say what is not so, by which nobody but
// their own session is hurt.
#include <gmock/gmock.h>

#include "tests/core/passing_on.h"

namespace netbinder::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// A manager on host 1, and on each other host a program that has sent it a node of its own.
class LyingPeers : public PassingOn {
 protected:
  static peer::Call call_of(NodeNumber node) {
    peer::Call call;
    call.call = CallId{77};
    call.target = node;
    call.code = 1;
    call.security_context = "u:r:test:s0@host3";
    return call;
  }
  void drop(std::size_t from, std::size_t to) { cluster_.drop_one(from, to); }
};

TEST_F(LyingPeers, GiveBackNoMoreThanTheyWereGiven) {
  Host& home = cluster_.host(2);
  const PeerLedger before = ledger(2, 1);
  ASSERT_THAT(before.counted, SizeIs(1));
  const PeerLedger::Entry held = before.counted.front();
  ASSERT_GT(held.strong, 0U);
  for (const auto& [strong, weak] :
       {std::pair<std::uint64_t, std::uint64_t>{held.strong + 1, 0}, {0, held.weak + 1}}) {
    home.driver.message_arrived(
        HostId{1}, peer::ReleaseRefs{.node = held.node, .strong = strong, .weak = weak});
    EXPECT_THAT(home.given_up, SizeIs(1));
    EXPECT_EQ(ledger(2, 1).counted.front().strong, held.strong);
    EXPECT_EQ(ledger(2, 1).counted.front().weak, held.weak);
    home.given_up.clear();  // the test did not end the session
  }
}

TEST_F(LyingPeers, ClaimNothingThatTheyWereNotGiven) {
  Host& home = cluster_.host(2);
  const PeerLedger::Entry held = ledger(2, 1).counted.front();
  ASSERT_THAT(ledger(2, 3).counted, IsEmpty());
  for (const std::uint32_t introducer : {1U, 2U, 3U, 7U}) {
    home.driver.message_arrived(HostId{3}, peer::ClaimRef{.node = held.node,
                                                          .strong = true,
                                                          .introducer = HostId{introducer},
                                                          .handoff = HandoffId{1}});
    EXPECT_THAT(ledger(2, 3).counted, IsEmpty()) << introducer;
  }
  // Host 1 can have introduced it, and has not; the others are no introducers.
  EXPECT_EQ(home.driver.counts().handoffs, 1U);
  while (const Cluster::Letter* answer = cluster_.next(2, 3)) {
    EXPECT_FALSE(std::get<peer::ClaimResult>(answer->message).alive);
    drop(2, 3);
  }
  home.driver.message_arrived(HostId{3}, call_of(held.node));
  ASSERT_NE(cluster_.next(2, 3), nullptr);
  EXPECT_EQ(std::get<peer::CallFailed>(cluster_.next(2, 3)->message).command,
            std::uint32_t{BR_DEAD_REPLY});
  drop(2, 3);
  // Host 1 is asked, and has nothing to add.
  ASSERT_TRUE(cluster_.deliver_one(2, 1));
  ASSERT_TRUE(cluster_.deliver_one(1, 2));
  EXPECT_EQ(home.driver.counts().handoffs, 0U);
  EXPECT_FALSE(std::get<peer::ClaimResult>(cluster_.next(2, 3)->message).alive);
  drop(2, 3);
}

// An introducer that does not answer keeps a claim waiting for a limited time.
TEST_F(LyingPeers, DoNotAnswerWhetherTheyHaveIntroduced) {
  Host& home = cluster_.host(2);
  home.driver.message_arrived(HostId{3}, peer::ClaimRef{.node = ledger(2, 1).counted.front().node,
                                                        .strong = true,
                                                        .introducer = HostId{1},
                                                        .handoff = HandoffId{1}});
  drop(2, 1);  // the question
  ASSERT_EQ(home.driver.counts().handoffs, 1U);
  ASSERT_EQ(home.earliest_timer_ms, 6 * DriverSetup{}.handoff_timeout_ms);
  home.driver.set_time(home.earliest_timer_ms - 1);
  home.driver.timer_expired();
  EXPECT_EQ(home.driver.counts().handoffs, 1U);
  home.driver.set_time(home.earliest_timer_ms);
  home.driver.timer_expired();
  EXPECT_EQ(home.driver.counts().handoffs, 0U);
  EXPECT_FALSE(std::get<peer::ClaimResult>(cluster_.next(2, 3)->message).alive);
  drop(2, 3);
  home.driver.set_time(0);
  cluster_.disconnect(1, 2);
  cluster_.settle();
}

TEST_F(LyingPeers, AnswerWhatTheyWereNotAsked) {
  Host& home = cluster_.host(2);
  home.driver.message_arrived(HostId{3}, peer::IntroductionsSent{});
  EXPECT_THAT(home.given_up, SizeIs(1));
  home.given_up.clear();
}

// However many claims name an introducer, it is asked one question at a time; a claim that comes after
// the question was asked waits for the next answer.
TEST_F(LyingPeers, CannotMakeAHostAskWithoutEnd) {
  Host& home = cluster_.host(2);
  const auto claim = [&](std::uint64_t handoff) {
    home.driver.message_arrived(HostId{3}, peer::ClaimRef{.node = ledger(2, 1).counted.front().node,
                                                          .strong = true,
                                                          .introducer = HostId{1},
                                                          .handoff = HandoffId{handoff}});
  };
  for (std::uint64_t handoff = 1; handoff <= 100; ++handoff) claim(handoff);
  ASSERT_TRUE(cluster_.deliver_one(2, 1));
  EXPECT_EQ(cluster_.next(2, 1), nullptr) << "one question";
  ASSERT_TRUE(cluster_.deliver_one(1, 2));
  EXPECT_EQ(home.driver.counts().handoffs, 99U);
  ASSERT_TRUE(cluster_.deliver_one(2, 1));
  EXPECT_EQ(cluster_.next(2, 1), nullptr) << "and one for all that came later";
  claim(101);
  ASSERT_TRUE(cluster_.deliver_one(1, 2));
  EXPECT_EQ(home.driver.counts().handoffs, 1U);
  ASSERT_TRUE(cluster_.deliver_one(2, 1));
  ASSERT_TRUE(cluster_.deliver_one(1, 2));
  EXPECT_EQ(home.driver.counts().handoffs, 0U);
  while (cluster_.next(2, 3) != nullptr) drop(2, 3);  // host 3 has made no claim
}

TEST_F(LyingPeers, IntroduceNothingThatTheyDoNotHold) {
  Host& home = cluster_.host(2);
  const NodeNumber node = ledger(2, 1).counted.front().node;
  home.driver.message_arrived(
      HostId{3},
      peer::Introduce{.node = node, .strong = true, .recipient = HostId{1}, .handoff = {}});
  EXPECT_THAT(home.given_up, SizeIs(1)) << "a handoff has a number";
  home.given_up.clear();
  home.driver.message_arrived(HostId{3}, peer::Introduce{.node = node,
                                                         .strong = true,
                                                         .recipient = HostId{1},
                                                         .handoff = HandoffId{9}});
  const PeerLedger::Entry before = ledger(2, 1).counted.front();
  home.driver.message_arrived(HostId{1}, peer::ClaimRef{.node = node,
                                                        .strong = true,
                                                        .introducer = HostId{3},
                                                        .handoff = HandoffId{9}});
  EXPECT_EQ(ledger(2, 1).counted.front().strong, before.strong);
  EXPECT_FALSE(std::get<peer::ClaimResult>(cluster_.next(2, 1)->message).alive);
  drop(2, 1);
}

// A host that holds a node weakly can pass it on weakly, and not make a strong reference of it.
TEST_F(LyingPeers, IntroduceNothingStronglyThatTheyHoldWeakly) {
  Payload payload("weakly");
  payload.add(handle_object(third_handle_, false));
  manager_.start(1, Commands().put(BC_TRANSACTION, payload.call(second_handle_, 2, TF_ONE_WAY)),
                 false);
  cluster_.settle();
  (void)manager_.outcome(1);
  const PeerLedger::Entry held = ledger(3, 2).counted.front();
  ASSERT_EQ(held.strong, 0U);
  ASSERT_EQ(held.weak, 1U);
  Host& home = cluster_.host(3);
  for (const bool strong : {true, false}) {
    const HandoffId handoff{strong ? 90U : 91U};
    home.driver.message_arrived(
        HostId{2},
        peer::Introduce{
            .node = held.node, .strong = strong, .recipient = HostId{1}, .handoff = handoff});
    home.driver.message_arrived(
        HostId{1},
        peer::ClaimRef{
            .node = held.node, .strong = strong, .introducer = HostId{2}, .handoff = handoff});
    ASSERT_NE(cluster_.next(3, 1), nullptr);
    EXPECT_EQ(std::get<peer::ClaimResult>(cluster_.next(3, 1)->message).alive, !strong);
    drop(3, 1);
  }
}

TEST_F(LyingPeers, ClaimNoHandoffOfOthers) {
  pass_on();
  ASSERT_TRUE(cluster_.deliver_one(1, 3)) << "host 1 introduces host 2";
  Host& home = cluster_.host(3);
  const PeerLedger before = ledger(3, 1);
  ASSERT_EQ(home.driver.counts().handoffs, 1U);
  const peer::Introduce introduction = introduced_;
  home.driver.message_arrived(HostId{1}, peer::ClaimRef{.node = introduction.node,
                                                        .strong = true,
                                                        .introducer = HostId{1},
                                                        .handoff = introduction.handoff});
  EXPECT_FALSE(std::get<peer::ClaimResult>(cluster_.next(3, 1)->message).alive);
  drop(3, 1);
  EXPECT_EQ(ledger(3, 1).counted.front().strong, before.counted.front().strong);
  EXPECT_EQ(home.driver.counts().handoffs, 1U) << "it is still there for host 2";
  cluster_.settle();
  EXPECT_EQ(home.driver.counts().handoffs, 0U);
  EXPECT_THAT(ledger(2, 3).received, Not(IsEmpty()));
  (void)manager_.outcome(1);
}

TEST_F(LyingPeers, UseNoNumberOfAHandoffTwice) {
  pass_on();
  ASSERT_TRUE(cluster_.deliver_one(1, 3));
  cluster_.host(3).driver.message_arrived(HostId{1}, introduced_);
  EXPECT_THAT(cluster_.host(3).given_up, SizeIs(1));
  cluster_.host(3).given_up.clear();
  cluster_.settle();
  (void)manager_.outcome(1);
}

// Host 1 says that it passes on a node of host 3, and has not told host 3. The reference is worth
// nothing; what host 2 has of the node otherwise it keeps.
TEST_F(LyingPeers, TakeNobodysReferencesAwayByOneThatIsNone) {
  pass_on();
  cluster_.settle();
  (void)manager_.outcome(1);
  const PeerLedger before = ledger(2, 3);
  ASSERT_THAT(before.received, SizeIs(1));
  second_.greet(2);
  const Outcome given = second_.read_now(2);
  ASSERT_NE(given.find(BR_TRANSACTION), nullptr);
  const auto data = given.find(BR_TRANSACTION)->as<binder_transaction_data>();
  flat_binder_object object = passed_on(given);
  second_.write(2, Commands()
                       .put(BC_ACQUIRE, std::uint32_t{object.handle})
                       .put(BC_REQUEST_DEATH_NOTIFICATION,
                            binder_handle_cookie{.handle = object.handle, .cookie = 5})
                       .put(BC_FREE_BUFFER, binder_uintptr_t{data.data.ptr.buffer}));
  pass_on();
  drop(1, 3);  // the introduction
  ASSERT_TRUE(cluster_.deliver_one(1, 2));
  ASSERT_TRUE(cluster_.deliver_one(2, 3)) << "the claim waits";
  cluster_.settle();  // host 1 is asked
  (void)manager_.outcome(1);
  EXPECT_EQ(second_.read_now(2).find(BR_DEAD_BINDER), nullptr);
  EXPECT_EQ(ledger(2, 3).received.front().strong, before.received.front().strong);
}

TEST_F(LyingPeers, SpeakForTheirOwnProgramsOnly) {
  const NodeNumber node = ledger(2, 1).counted.front().node;
  peer::Call call = call_of(node);
  call.security_context = "u:r:init:s0@host3";
  cluster_.host(2).driver.message_arrived(HostId{1}, call);
  EXPECT_THAT(cluster_.host(2).given_up, SizeIs(1));
  cluster_.host(2).given_up.clear();
}

// ---- honest peers, and what is lost on the way ----

TEST_F(LyingPeers, AClaimThatComesBeforeItsIntroductionWaitsForIt) {
  pass_on();
  ASSERT_TRUE(cluster_.deliver_one(1, 2));
  ASSERT_TRUE(cluster_.deliver_one(2, 3));
  EXPECT_EQ(cluster_.next(3, 2), nullptr) << "no answer yet";
  EXPECT_EQ(cluster_.host(3).driver.counts().handoffs, 1U);
  cluster_.settle();
  EXPECT_EQ(cluster_.host(3).driver.counts().handoffs, 0U);
  EXPECT_EQ(ledger(2, 3).received.front().strong, 1U);
  (void)manager_.outcome(1);
}

TEST_F(LyingPeers, AHandleOfAHostThatIsNoMemberHereIsDeadAndThatIsSaid) {
  cluster_.disconnect(2, 3);
  pass_on();
  cluster_.settle();
  (void)manager_.outcome(1);
  EXPECT_EQ(cluster_.host(2).unreachable,
            (std::vector<std::pair<std::uint32_t, std::uint32_t>>{{3, 1}}));
  second_.greet(2);
  const Outcome given = second_.read_now(2);
  flat_binder_object object = passed_on(given);
  second_.start(2, Commands().put(BC_TRANSACTION, Payload("x").call(object.handle, 4)), true);
  cluster_.settle();
  EXPECT_NE(second_.outcome(2).find(BR_DEAD_REPLY), nullptr);
  const auto failures = cluster_.host(2).driver.failed_log(Viewer::everything());
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_STREQ(failures[0].reason, "its host is not a member here");
}

// A program calls what it was just given, before its host is known at the node's home.
TEST_F(LyingPeers, ACallWaitsUntilItsTargetIsClaimed) {
  pass_on();
  ASSERT_TRUE(cluster_.deliver_one(1, 2));
  second_.greet(2);
  const Outcome given = second_.read_now(2);
  flat_binder_object object = passed_on(given);
  // It sends the node itself along, too.
  Payload payload("back");
  payload.add(handle_object(object.handle));
  second_.start(2, Commands().put(BC_TRANSACTION, payload.call(object.handle, 4, TF_ONE_WAY)),
                false);
  while (cluster_.deliver_one(2, 3)) {
  }
  EXPECT_TRUE(second_.blocked(2));
  cluster_.settle();
  EXPECT_EQ(second_.outcome(2).error, 0);
  (void)manager_.outcome(1);
  third_.greet(2);
  const Outcome called = third_.read_now(2);
  ASSERT_NE(called.find(BR_TRANSACTION), nullptr);
  const auto call = called.find(BR_TRANSACTION)->as<binder_transaction_data>();
  std::memcpy(&object, third_.at(call.data.ptr.buffer + payload.offsets[0]), sizeof object);
  EXPECT_EQ(object.hdr.type, std::uint32_t{BINDER_TYPE_BINDER}) << "its own node has come home";
  EXPECT_EQ(object.binder, 0x10U);
}

// The introducer is gone before the recipient has claimed: what it passed on lives.
TEST_F(LyingPeers, WhatWasPassedOnOutlivesItsIntroducer) {
  pass_on();
  ASSERT_TRUE(cluster_.deliver_one(1, 3));
  ASSERT_TRUE(cluster_.deliver_one(1, 2));
  cluster_.disconnect(1, 3);
  cluster_.disconnect(1, 2);
  cluster_.settle();
  (void)manager_.outcome(1);
  EXPECT_EQ(ledger(2, 3).received.front().strong, 1U);
  EXPECT_EQ(cluster_.host(3).driver.counts().handoffs, 0U);
}

TEST_F(LyingPeers, AnIntroducerThatIsGoneBeforeItHasToldTheHomeHasGivenNothing) {
  pass_on();
  ASSERT_TRUE(cluster_.deliver_one(1, 2));
  ASSERT_TRUE(cluster_.deliver_one(2, 3));
  cluster_.disconnect(1, 3);
  cluster_.settle();
  (void)manager_.outcome(1);
  EXPECT_THAT(ledger(2, 3).received, IsEmpty());
  EXPECT_EQ(cluster_.host(3).driver.counts().handoffs, 0U);
}

TEST_F(LyingPeers, WhatIsNeverClaimedIsLetGo) {
  pass_on();
  ASSERT_TRUE(cluster_.deliver_one(1, 3));
  Driver& home = cluster_.host(3).driver;
  ASSERT_EQ(home.counts().handoffs, 1U);
  home.set_time(5 * DriverSetup{}.handoff_timeout_ms);
  home.timer_expired();
  EXPECT_EQ(home.counts().handoffs, 1U) << "it is on its way, however slow that is";
  home.set_time(0);
  cluster_.disconnect(1, 2);
  while (cluster_.deliver_one(1, 3)) {
  }
  home.set_time(DriverSetup{}.handoff_timeout_ms - 1);
  home.timer_expired();
  EXPECT_EQ(home.counts().handoffs, 1U);
  home.set_time(DriverSetup{}.handoff_timeout_ms);
  home.timer_expired();
  EXPECT_EQ(home.counts().handoffs, 0U);
  cluster_.settle();
  (void)manager_.outcome(1);
}

// Host 2 passes on what it has claimed itself and is not counted for yet: its introduction is decided
// when its own claim is.
TEST_F(LyingPeers, AnIntroductionOfWhatIsClaimedWaitsForThatClaim) {
  pass_on();
  ASSERT_TRUE(cluster_.deliver_one(1, 2));
  second_.greet(2);
  const Outcome given = second_.read_now(2);
  flat_binder_object object = passed_on(given);
  Payload payload("back");
  payload.add(handle_object(object.handle));
  second_.start(2, Commands().put(BC_TRANSACTION, payload.call(0, 4, TF_ONE_WAY)), false);
  while (cluster_.deliver_one(2, 3)) {  // the claim, and the introduction of host 1
  }
  ASSERT_TRUE(cluster_.deliver_one(2, 1));
  EXPECT_EQ(cluster_.host(3).driver.counts().handoffs, 1U) << "the claim";
  cluster_.settle();
  EXPECT_EQ(cluster_.host(3).driver.counts().handoffs, 0U);
  (void)second_.outcome(2);
  (void)manager_.outcome(1);
}

// The link may be slow: the claim waits for its introduction, whatever the time.
TEST_F(LyingPeers, AClaimWaitsForASlowIntroduction) {
  pass_on();
  ASSERT_TRUE(cluster_.deliver_one(1, 2));
  ASSERT_TRUE(cluster_.deliver_one(2, 3));
  Host& home = cluster_.host(3);
  home.driver.set_time(5 * DriverSetup{}.handoff_timeout_ms);
  home.driver.timer_expired();
  EXPECT_EQ(home.driver.counts().handoffs, 1U);
  home.driver.set_time(0);
  cluster_.settle();
  EXPECT_EQ(ledger(2, 3).received.front().strong, 1U);
  (void)manager_.outcome(1);
}

// An introduction that was lost with an earlier session: its claim ends without any time passing.
TEST_F(LyingPeers, AClaimWhoseIntroductionWasLostEndsWithTheAnswer) {
  pass_on();
  drop(1, 3);
  ASSERT_TRUE(cluster_.deliver_one(1, 2));
  ASSERT_TRUE(cluster_.deliver_one(2, 3));
  EXPECT_EQ(cluster_.host(3).driver.counts().handoffs, 1U);
  cluster_.settle();
  EXPECT_EQ(cluster_.host(3).driver.counts().handoffs, 0U);
  EXPECT_THAT(ledger(2, 3).received, IsEmpty());
  (void)manager_.outcome(1);
}

// An introducer of a version that knows no questions is not asked: its claims end by the clock.
TEST_F(LyingPeers, AnOlderIntroducerIsNotAsked) {
  cluster_.disconnect(1, 2);
  cluster_.settle();
  Host& home = cluster_.host(2);
  const NodeNumber node{1};
  home.driver.peer_connected(HostId{1}, Incarnation{1000}, "host1", WireVersion{4});
  cluster_.host(1).driver.peer_connected(HostId{2}, Incarnation{2000}, "host2", WireVersion{4});
  cluster_.settle();
  home.driver.message_arrived(
      HostId{3}, peer::ClaimRef{
                     .node = node, .strong = true, .introducer = HostId{1}, .handoff = HandoffId{1}});
  EXPECT_EQ(cluster_.next(2, 1), nullptr);
  EXPECT_EQ(home.driver.counts().handoffs, 1U);
  home.driver.set_time(DriverSetup{}.handoff_timeout_ms);
  home.driver.timer_expired();
  EXPECT_EQ(home.driver.counts().handoffs, 0U);
  drop(2, 3);
  home.driver.set_time(0);
}

// A short deadline is kept, though the home has a timer for a later one already.
TEST_F(LyingPeers, AShorterTimeIsKeptThoughATimerIsSet) {
  pass_on();
  ASSERT_TRUE(cluster_.deliver_one(1, 3));
  Host& home = cluster_.host(3);
  ASSERT_EQ(home.earliest_timer_ms, 6 * DriverSetup{}.handoff_timeout_ms);
  home.driver.message_arrived(HostId{1}, peer::RecipientLost{.recipient = HostId{2}});
  ASSERT_EQ(home.earliest_timer_ms, DriverSetup{}.handoff_timeout_ms);
  home.driver.set_time(home.earliest_timer_ms);
  home.driver.timer_expired();
  EXPECT_EQ(home.driver.counts().handoffs, 0U);
  home.driver.set_time(0);
  cluster_.settle();
  (void)manager_.outcome(1);
}

// A host that has a weak reference, and claims a strong one in vain, gives the weak one back.
TEST_F(LyingPeers, ARefusedClaimLeavesNothingCounted) {
  Payload payload("weakly");
  payload.add(handle_object(third_handle_, false));
  manager_.start(1, Commands().put(BC_TRANSACTION, payload.call(second_handle_, 2, TF_ONE_WAY)),
                 false);
  cluster_.settle();
  (void)manager_.outcome(1);
  ASSERT_EQ(ledger(3, 2).counted.front().weak, 1U);
  pass_on();
  ASSERT_TRUE(cluster_.deliver_one(1, 2));
  ASSERT_TRUE(cluster_.deliver_one(2, 3));
  cluster_.disconnect(1, 3);  // with the introduction
  cluster_.settle();
  (void)manager_.outcome(1);
  EXPECT_THAT(ledger(3, 2).counted, IsEmpty());
}

TEST(NumbersOfALife, AreNotThoseOfTheNext) {
  EXPECT_NE(first_number_of(Incarnation{1}), first_number_of(Incarnation{2}));
  for (std::uint64_t life = 0; life < 1000; ++life) {
    const std::uint64_t first = first_number_of(Incarnation{life});
    EXPECT_GT(first, 0U);
    EXPECT_LE(first, std::uint64_t{1} << 63);
  }
  // A thread of an earlier life waited in a call of that number; this one waits in another.
  Cluster cluster(2);
  Program manager(cluster.host(1), 100);
  manager.greet(1);
  EXPECT_EQ(manager.become_manager(), 0);
  cluster.settle();
  Program client(cluster.host(2), 200);
  client.greet(1);
  client.start(1, Commands().put(BC_TRANSACTION, Payload("x").call(0, 1)), true);
  ASSERT_NE(cluster.next(2, 1), nullptr);
  EXPECT_EQ(std::get<peer::Call>(cluster.next(2, 1)->message).call.value(),
            first_number_of(Incarnation{2000}));
}

}  // namespace
}  // namespace netbinder::testing
