// SPDX-License-Identifier: Apache-2.0
//
// Peers that say what is not so: about references that they were not given, and handoffs that were
// not theirs. Nobody but their own session is hurt.
#include <gmock/gmock.h>

#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// A manager on host 1, and on each other host a program that has sent it a node of its own.
class LyingPeers : public ::testing::Test {
 protected:
  void SetUp() override {
    manager_.greet(1);
    std::uint32_t zero = 0;
    ASSERT_EQ(manager_.control(1, BINDER_SET_CONTEXT_MGR, &zero), 0);
    manager_.enter_looper(1);
    cluster_.settle();
    second_.greet(1);
    third_.greet(1);
    second_handle_ = introduce(second_);
    third_handle_ = introduce(third_);
  }

  // The program sends the manager a node; the handle that the manager keeps for it.
  std::uint32_t introduce(Program& program) {
    Payload payload("hello");
    payload.add(binder_object(0x10, 0x20));
    program.start(1, Commands().put(BC_TRANSACTION, payload.call(0, 1, TF_ONE_WAY)), true);
    cluster_.settle();
    (void)program.outcome(1);
    const Outcome read = manager_.read_now(1);
    const auto data = read.find(BR_TRANSACTION)->as<binder_transaction_data>();
    flat_binder_object object{};
    std::memcpy(&object, manager_.at(data.data.ptr.buffer + payload.offsets[0]), sizeof object);
    manager_.write(1, Commands()
                          .put(BC_ACQUIRE, std::uint32_t{object.handle})
                          .put(BC_FREE_BUFFER, binder_uintptr_t{data.data.ptr.buffer}));
    cluster_.settle();
    return object.handle;
  }
  [[nodiscard]] PeerLedger ledger(std::size_t host, std::uint32_t peer) {
    for (const PeerLedger& each : cluster_.host(host).driver.ledgers()) {
      if (each.host == HostId{peer}) return each;
    }
    ADD_FAILURE() << "no ledger";
    return {};
  }

  Cluster cluster_{3};
  Program manager_{cluster_.host(1), 100};
  Program second_{cluster_.host(2), 200};
  Program third_{cluster_.host(3), 300};
  std::uint32_t second_handle_ = 0;
  std::uint32_t third_handle_ = 0;
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

TEST_F(LyingPeers, ClaimNoStrongReferenceWhereNobodyHasOne) {
  Payload payload("weakly");
  payload.add(binder_object(0x30, 0x40, false));
  second_.start(1, Commands().put(BC_TRANSACTION, payload.call(0, 1, TF_ONE_WAY)), true);
  cluster_.settle();
  ASSERT_THAT(ledger(2, 1).counted, SizeIs(2));
  const PeerLedger::Entry weak = ledger(2, 1).counted.back();
  ASSERT_EQ(weak.strong, 0U);
  cluster_.host(2).driver.message_arrived(
      HostId{3},
      peer::ClaimRef{
          .node = weak.node, .strong = true, .introducer = HostId{1}, .handoff = HandoffId{7}});
  const Cluster::Letter* answer = cluster_.next(2, 3);
  ASSERT_NE(answer, nullptr);
  EXPECT_FALSE(std::get<peer::ClaimResult>(answer->message).alive);
  cluster_.disconnect(2, 3);  // which has asked for nothing
}

TEST_F(LyingPeers, EndNoHandoffOfOthers) {
  // The manager passes the third host's node on to the second host.
  Payload payload("yours");
  payload.add(handle_object(third_handle_));
  manager_.start(1, Commands().put(BC_TRANSACTION, payload.call(second_handle_, 2, TF_ONE_WAY)),
                 false);
  ASSERT_TRUE(cluster_.deliver_one(1, 2));
  const PeerLedger pinned = ledger(1, 2);
  ASSERT_THAT(pinned.handoffs, SizeIs(1));
  cluster_.host(1).driver.message_arrived(HostId{3},
                                          peer::HandoffDone{.handoff = pinned.handoffs.front()});
  EXPECT_THAT(ledger(1, 2).handoffs, SizeIs(1)) << "only the recipient ends it";
  cluster_.settle();
  (void)manager_.outcome(1);
  EXPECT_THAT(ledger(1, 2).handoffs, IsEmpty());
  EXPECT_THAT(ledger(2, 3).received, Not(IsEmpty()));
}

TEST_F(LyingPeers, AreGivenBackWhatTheyGrantForANodeThatTheySaidWasDead) {
  // The third host passes the second one's node on to the first, twice.
  const auto pass = [&](Program& from, std::uint32_t tid, std::uint32_t node, std::uint32_t to) {
    Payload payload("yours");
    payload.add(handle_object(node));
    from.greet(tid);
    from.start(tid, Commands().put(BC_TRANSACTION, payload.call(to, 2, TF_ONE_WAY)), false);
  };
  pass(manager_, 1, second_handle_, third_handle_);
  cluster_.settle();
  const Outcome read = third_.read_now(1);
  ASSERT_NE(read.find(BR_TRANSACTION), nullptr);
  const auto data = read.find(BR_TRANSACTION)->as<binder_transaction_data>();
  flat_binder_object object{};
  std::memcpy(&object, third_.at(data.data.ptr.buffer + 8), sizeof object);
  third_.write(1, Commands().put(BC_ACQUIRE, std::uint32_t{object.handle}));
  cluster_.settle();
  const std::uint64_t before = ledger(2, 1).counted.front().strong;
  for (const std::uint32_t tid : {2U, 3U}) {
    pass(third_, tid, object.handle, 0);
    ASSERT_TRUE(cluster_.deliver_one(3, 1));
  }
  const auto claims = ledger(1, 2).claims;
  ASSERT_THAT(claims, SizeIs(2));
  // The answers are the test's own.
  const auto answer = [&](std::size_t number, bool alive) {
    cluster_.host(1).driver.message_arrived(
        HostId{2}, peer::ClaimResult{.node = claims[number].node,
                                     .strong = true,
                                     .introducer = claims[number].introducer,
                                     .handoff = claims[number].handoff,
                                     .alive = alive});
  };
  answer(1, false);
  answer(0, true);
  while (cluster_.deliver_one(1, 2)) {
  }
  EXPECT_EQ(ledger(2, 1).counted.front().strong, before + 1) << "both counted, one given back";
  cluster_.disconnect(1, 2);
}

}  // namespace
}  // namespace netbinder::testing
