// SPDX-License-Identifier: Apache-2.0
//
// Bounds of leases: which peers are lent space, how much of it, and that no view shows it before it
// is used.
#include <gtest/gtest.h>

#include <algorithm>

#include "core/view/debug_view.h"
#include "tests/core/leases_fixture.h"

namespace netbinder::testing {
namespace {

// ---- unseen ----

TEST_F(Leases, AnUnusedLeaseShowsNowhere) {
  const auto before = driver().debug_state().processes.at(0);
  const auto lease = ask(10'000, true);
  ASSERT_TRUE(lease);
  ASSERT_TRUE(ask(10'000, false, true));
  const auto after = driver().debug_state().processes.at(0);
  EXPECT_TRUE(after.buffers.empty());
  EXPECT_EQ(after.free_async_bytes, before.free_async_bytes);
  EXPECT_EQ(after.pages_used, before.pages_used);
  EXPECT_EQ(after.pages_kept, before.pages_kept);
  EXPECT_EQ(after.pages_untouched, before.pages_untouched);
  EXPECT_EQ(after.pages_high, before.pages_high);
  EXPECT_EQ(driver().counts().buffers, 0U);
  EXPECT_EQ(driver().processes().at(0).buffers, 0U);
  EXPECT_EQ(driver().processes().at(0).free_async_bytes, kArena / 2);
  EXPECT_EQ(driver().counts().transactions, 0U);
  EXPECT_EQ(driver().counts().leases, 2U);
  // Once a message has it, it is a buffer like any other.
  start_call(Payload("x"), TF_ONE_WAY);
  cluster.deliver_by_lease(2, 1, *lease);
  const auto used = driver().debug_state().processes.at(0);
  ASSERT_EQ(used.buffers.size(), 1U);
  EXPECT_EQ(used.buffers[0].data_size, 1U);
  EXPECT_EQ(used.free_async_bytes, kArena / 2 - 8);
  EXPECT_EQ(used.pages_used, 1U);
}

TEST_F(Leases, TheProgramCannotFreeIt) {
  const auto lease = ask(64);
  const auto address = reinterpret_cast<binder_uintptr_t>(lease->bytes.data());
  EXPECT_EQ(server.write(1, Commands().put(BC_FREE_BUFFER, address)).error, 0);
  driver().check_invariants();
  EXPECT_FALSE(has_free(kArena));
  start_call(Payload("still there"));
  cluster.deliver_by_lease(2, 1, *lease);
  EXPECT_EQ(text_of(server, served()), "still there");
}

TEST_F(Leases, ItKeepsNobodyFromFreezingAndHoldsNothing) {
  ASSERT_TRUE(ask(64));
  ASSERT_TRUE(ask(64, true));
  binder_freeze_info info{.pid = 100, .enable = 1, .timeout_ms = 0};
  EXPECT_EQ(server.control(1, BINDER_FREEZE, &info), 0);
  binder_frozen_status_info status{};
  status.pid = 100;
  ASSERT_EQ(server.control(1, BINDER_GET_FROZEN_INFO, &status), 0);
  EXPECT_EQ(status.sync_recv, 0U);
  EXPECT_EQ(status.async_recv, 0U);
  EXPECT_TRUE(ask(64)) << "for a call that is yet to come";
}

TEST_F(Leases, TheSuspicionOfSpamIsToldAsWithoutLeases) {
  // Calls of a kilobyte that nobody reads, up to the last that finds room.
  const auto told = [](bool by_lease) {
    Cluster hosts(2);
    Program target(hosts.host(1), 100, "binder", kArena);
    Program caller(hosts.host(2), 200);
    target.greet(1);
    EXPECT_EQ(target.become_manager(), 0);
    hosts.settle();
    caller.greet(1);
    std::uint32_t enable = 1;
    EXPECT_EQ(caller.control(1, BINDER_ENABLE_ONEWAY_SPAM_DETECTION, &enable), 0);
    Driver& home = hosts.host(1).driver;
    const Payload payload(std::string(1024, 'x'));
    std::vector<std::string> all;
    // One is always lent ahead, for the next call.
    std::optional<Lease> lease;
    for (int i = 0; i < 63; ++i) {
      caller.start(1, Commands().put(BC_TRANSACTION, payload.call(0, 1, TF_ONE_WAY)), true);
      const auto& call = std::get<peer::Call>(hosts.next(2, 1)->message);
      const LeaseRequest request{.recipient = call.target, .bytes = 1024, .oneway = true};
      if (by_lease) {
        const Lease used = lease ? *lease : *home.lease(kClients, request);
        lease = home.lease(kClients, request);
        hosts.deliver_by_lease(2, 1, used);
      }
      hosts.settle();
      for (const std::string& name : caller.outcome(1).names()) all.push_back(name);
    }
    return all;
  };
  const auto with = told(true);
  EXPECT_EQ(with, told(false));
  EXPECT_EQ(std::ranges::count(with, "BR_ONEWAY_SPAM_SUSPECT"), 1);
}

// ---- who is given one, and how much ----

TEST_F(Leases, OnlyWhoMayNameTheRecipientIsGivenSpace) {
  EXPECT_TRUE(ask(64));
  EXPECT_FALSE(ask(64, false, false, HostId{4})) << "no such host";
  EXPECT_FALSE(driver().lease(kClients, {.recipient = NodeNumber{node.value() + 1}, .bytes = 64}));
  EXPECT_FALSE(driver().lease(kClients, {.recipient = CallId{1}, .bytes = 64}));
  EXPECT_FALSE(driver(2).lease(kServers, {.recipient = node, .bytes = 64})) << "not a node there";
  start_call(Payload("?"));
  const CallId call = std::get<peer::Call>(cluster.next(2, 1)->message).call;
  EXPECT_TRUE(driver(2).lease(kServers, {.recipient = call, .bytes = 64}));
  EXPECT_FALSE(driver(2).lease(kThird, {.recipient = call, .bytes = 64}));
  EXPECT_FALSE(driver(2).lease(kServers, {.recipient = call, .bytes = 64, .oneway = true}))
      << "no reply is oneway";
}

TEST_F(Leases, AWeakReferenceIsNotEnough) {
  Payload gives;
  gives.add(binder_object(0x1000, 0x1008, false));
  start_call(gives, TF_ONE_WAY);
  const auto& objects = std::get<peer::Call>(cluster.next(2, 1)->message).objects;
  const NodeNumber weak = std::get<WireNode>(objects.at(0).content).node.number;
  cluster.settle();
  EXPECT_FALSE(driver(2).lease(kServers, {.recipient = weak, .bytes = 64}));
}

TEST_F(Leases, SizesAreBounded) {
  EXPECT_FALSE(ask(0));
  EXPECT_TRUE(ask(1));
  EXPECT_FALSE(ask(kArena));
  const auto with_context = [&](std::uint32_t bytes) {
    return driver()
        .lease(kClients, {.recipient = node, .bytes = 8, .context_bytes = bytes})
        .has_value();
  };
  EXPECT_TRUE(with_context(kMaxLeaseContextBytes));
  EXPECT_FALSE(with_context(kMaxLeaseContextBytes + 1));

  Cluster small(2, {.message_bytes = 4096});
  Program manager(small.host(1), 100, "binder", kArena);
  manager.greet(1);
  ASSERT_EQ(manager.become_manager(), 0);
  small.settle();
  Driver& home = small.host(1).driver;
  const NodeNumber its = home.ledgers().at(0).counted.at(0).node;
  EXPECT_TRUE(home.lease(kClients, {.recipient = its, .bytes = 4096}));
  EXPECT_FALSE(home.lease(kClients, {.recipient = its, .bytes = 4097}));
}

TEST_F(Leases, AheadTakesAtMostAQuarterOfTheArena) {
  std::uint64_t taken = 0;
  std::vector<LeaseId> given;
  while (const auto lease = ask(4096, false, true)) {
    given.push_back(lease->id);
    taken += 4096;
  }
  EXPECT_EQ(taken, kArena / 4);
  EXPECT_FALSE(ask(8, false, true, kThird)) << "of all hosts together";
  EXPECT_TRUE(ask(8)) << "what is needed now is granted still";
  driver().end_lease(kClients, given.back());
  EXPECT_FALSE(ask(4096, false, true)) << "that is one of the unused ones, too";
  EXPECT_TRUE(ask(4088, false, true));
}

TEST_F(Leases, AheadLeavesHalfOfTheArenaFree) {
  const auto rest = ask(kArena / 2 - 1024);
  ASSERT_TRUE(rest);
  driver().end_lease(kClients, rest->id);
  // Buffers, not leases: what is lent is bounded otherwise.
  start_call(Payload(std::string(kArena / 2 - 1024, 'x')));
  cluster.settle();
  EXPECT_FALSE(ask(1032, false, true));
  const auto last = ask(1024, false, true);
  EXPECT_TRUE(last);
  EXPECT_FALSE(ask(8, false, true));
  EXPECT_TRUE(ask(8));
}

TEST_F(Leases, AheadForOnewayCallsLeavesHalfOfTheirSpaceFree) {
  start_call(Payload(std::string(kArena / 4 - 1024, 'x')), TF_ONE_WAY);
  cluster.settle();
  EXPECT_FALSE(ask(1032, true, true));
  EXPECT_TRUE(ask(1032, false, true)) << "not for those";
  EXPECT_TRUE(ask(1024, true, true));
  EXPECT_FALSE(ask(8, true, true));
  EXPECT_TRUE(ask(8, true));
}

TEST_F(Leases, APeerHasAtMost64OfAProcessAhead) {
  static_assert(kMaxLeasesAhead == 64);
  std::vector<LeaseId> given;
  while (const auto lease = ask(8, given.size() % 2 == 0, true)) given.push_back(lease->id);
  EXPECT_EQ(given.size(), 64U);
  EXPECT_TRUE(ask(8, false, true, kThird)) << "each host has its own";
  EXPECT_TRUE(ask(8)) << "what is needed now is granted still";
  driver().end_lease(kClients, given[0]);
  driver().end_lease(kClients, given[1]);
  EXPECT_TRUE(ask(8, false, true));
  EXPECT_FALSE(ask(8, false, true));
}

TEST_F(Leases, ARefusalHasNoEffect) {
  ASSERT_TRUE(ask(kArena / 2, false, false));
  const auto counts = driver().counts();
  EXPECT_FALSE(ask(kArena / 2 + 8));
  EXPECT_FALSE(ask(kArena / 4, false, true));
  EXPECT_FALSE(ask(kArena / 2 + 8, true));
  driver().check_invariants();
  EXPECT_EQ(driver().counts().leases, counts.leases);
  EXPECT_TRUE(has_free(kArena / 2));
}

TEST_F(Leases, NumbersAreNeverUsedAgain) {
  LeaseId last;
  for (int i = 0; i < 10; ++i) {
    const auto lease = ask(8);
    EXPECT_GT(lease->id, last);
    last = lease->id;
    if (i % 2 == 0) driver().end_lease(kClients, last);
  }
}

}  // namespace
}  // namespace netbinder::testing
