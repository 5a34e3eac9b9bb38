// SPDX-License-Identifier: Apache-2.0
//
// Claims of contexts while hosts have lists of hosts with different numbers, and different arbiters
// by them. Hosts 1 to 3 begin with list 1, whose arbiter is host 1; list 2 makes it host 2.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>

#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {
namespace {

class HostLists : public ::testing::Test {
 protected:
  HostLists() {
    for (std::size_t host = 1; host <= 3; ++host) give(host, 1, 1);
    cluster_.settle();
  }

  void give(std::size_t host, std::uint64_t number, std::uint32_t arbiter) {
    DriverSetup setup;
    setup.list = ListNumber{number};
    setup.arbiter = HostId{arbiter};
    cluster_.host(host).driver.change(setup);
  }
  void update(std::size_t host) {
    give(host, 2, 2);
    cluster_.settle();
  }
  static void begin_claim(Program& program) {
    std::int32_t unused = 0;
    program.host().driver.control(program.id(), ThreadId{1}, BINDER_SET_CONTEXT_MGR,
                                  {reinterpret_cast<std::byte*>(&unused), sizeof unused});
  }
  // How a claim by a new program of the host ends; one that is granted is over again.
  int tries(std::size_t host) {
    Program program(cluster_.host(host), 900 + static_cast<std::int32_t>(host));
    const int outcome = claim(program);
    program.close();
    cluster_.settle();
    return outcome;
  }
  int claim(Program& program) {
    begin_claim(program);
    cluster_.settle();
    return program.outcome(1).error;
  }
  std::string manager_at(std::size_t host) {
    return cluster_.host(host).driver.contexts().front().manager;
  }
  std::string last_failure_at(std::size_t host) {
    const auto failures = cluster_.host(host).driver.failed_log(Viewer::everything());
    return failures.empty() || failures.back().reason == nullptr ? "" : failures.back().reason;
  }
  // Delivers what is on its way between two hosts, and nothing else.
  void settle_between(std::size_t a, std::size_t b) {
    while (cluster_.deliver_one(a, b) || cluster_.deliver_one(b, a)) {
    }
  }

  Cluster cluster_{3};
};

TEST_F(HostLists, AreToldToEveryPeer) {
  for (std::size_t host = 1; host <= 3; ++host) {
    Driver& driver = cluster_.host(host).driver;
    EXPECT_EQ(driver.host_list(), ListNumber{1});
    EXPECT_EQ(driver.host_list_of(HostId{host == 1 ? 2U : 1U}), ListNumber{1});
  }
  update(3);
  EXPECT_EQ(cluster_.host(1).driver.host_list_of(HostId{3}), ListNumber{2});
  cluster_.disconnect(1, 3);
  EXPECT_EQ(cluster_.host(1).driver.host_list_of(HostId{3}), ListNumber{});
  cluster_.connect(1, 3);
  cluster_.settle();
  EXPECT_EQ(cluster_.host(1).driver.host_list_of(HostId{3}), ListNumber{2});
}

TEST_F(HostLists, UnderOneListClaimsAreDecided) {
  Program program(cluster_.host(3), 100);
  EXPECT_EQ(claim(program), 0);
  for (std::size_t host = 1; host <= 3; ++host) EXPECT_EQ(tries(host), -EBUSY);
}

TEST_F(HostLists, AHostThatKnowsOfANewerOneCannotClaim) {
  update(3);
  for (std::size_t host = 1; host <= 2; ++host) {
    EXPECT_EQ(tries(host), -EHOSTUNREACH) << "host " << host;
    EXPECT_EQ(last_failure_at(host),
              "another host has a newer list of hosts than this one, which has to take it over");
  }
  EXPECT_EQ(tries(3), -EHOSTUNREACH) << "host 2 does not decide yet";
  EXPECT_EQ(last_failure_at(3),
            "the arbiter has another list of hosts than this host, or not every host knows of its "
            "list");
  update(2);
  EXPECT_EQ(tries(3), 0);
  EXPECT_EQ(tries(1), -EHOSTUNREACH);
  update(1);
  EXPECT_EQ(tries(1), 0);
}

TEST_F(HostLists, AHostRemembersANewerOneOfAHostThatIsGone) {
  update(3);
  cluster_.disconnect(1, 3);
  cluster_.disconnect(2, 3);
  cluster_.settle();
  EXPECT_EQ(tries(1), -EHOSTUNREACH);
  EXPECT_EQ(tries(2), -EHOSTUNREACH);
}

TEST_F(HostLists, TheNewArbiterWaitsUntilTheOldOneKnows) {
  give(2, 2, 2);
  {
    Program early(cluster_.host(2), 100);
    begin_claim(early);
    EXPECT_EQ(early.outcome(1).error, -EHOSTUNREACH);
    EXPECT_EQ(last_failure_at(2), "not every host knows of this host's list of hosts yet");
  }
  settle_between(2, 3);
  Program still(cluster_.host(2), 101);
  begin_claim(still);
  EXPECT_EQ(still.outcome(1).error, -EHOSTUNREACH) << "host 1 does not know";
  settle_between(1, 2);
  EXPECT_EQ(claim(still), 0);
}

TEST_F(HostLists, AHostThatDoesNotAnswerIsWaitedForUntilItIsLost) {
  give(2, 2, 2);
  settle_between(2, 3);
  Program manager(cluster_.host(2), 100);
  cluster_.disconnect(1, 2);
  EXPECT_EQ(claim(manager), 0);
}

TEST_F(HostLists, AGrantThatTheOldArbiterMadeMeanwhileIsTakenOver) {
  give(2, 2, 2);
  std::optional<Program> first(std::in_place, cluster_.host(3), 100);
  begin_claim(*first);
  settle_between(1, 3);
  EXPECT_EQ(first->outcome(1).error, 0) << "host 1 has not heard of the new list yet";
  cluster_.settle();
  EXPECT_EQ(manager_at(2), "host host3");
  EXPECT_EQ(tries(2), -EBUSY);
  first.reset();
  cluster_.settle();
  EXPECT_EQ(tries(2), 0) << "the old arbiter has told that it is over";
}

TEST_F(HostLists, TheAnswerOfAFormerArbiterChangesNothing) {
  Program claimant(cluster_.host(3), 100);
  begin_claim(claimant);
  give(3, 2, 2);
  EXPECT_EQ(claimant.outcome(1).error, -EHOSTUNREACH);
  EXPECT_EQ(last_failure_at(3), "by the new list of hosts another host is the arbiter");
  ASSERT_TRUE(cluster_.deliver_one(3, 1)) << "the claim, before the list";
  cluster_.settle();
  update(2);
  EXPECT_EQ(manager_at(3), "none");
  EXPECT_EQ(tries(2), 0) << "what host 1 has granted is given back";
  update(1);
  EXPECT_EQ(tries(1), 0);
}

// The arbiter is the same one again before it has answered under the first of the lists.
TEST_F(HostLists, AnArbiterThatIsOneAgainAnswersTheClaimThatCounts) {
  Program first(cluster_.host(3), 100);
  begin_claim(first);
  give(3, 2, 2);
  EXPECT_EQ(first.outcome(1).error, -EHOSTUNREACH);
  for (const std::size_t host : {3U, 1U, 2U}) give(host, 3, 1);
  cluster_.settle();
  EXPECT_EQ(claim(first), 0);
  EXPECT_EQ(manager_at(1), "host host3");
  first.close();
  cluster_.settle();
  EXPECT_EQ(tries(2), 0);
}

using Order = std::array<std::size_t, 3>;

std::vector<Order> all_orders() {
  std::vector<Order> orders;
  Order order{1, 2, 3};
  do {
    orders.push_back(order);
  } while (std::ranges::next_permutation(order).found);
  return orders;
}

// The host of the manager, and the order in which the hosts take the new list over.
class Rolls : public HostLists,
              public ::testing::WithParamInterface<std::tuple<std::size_t, Order>> {
 protected:
  [[nodiscard]] std::size_t home() const { return std::get<0>(GetParam()); }
  [[nodiscard]] const Order& order() const { return std::get<1>(GetParam()); }
};

TEST_P(Rolls, TheManagerServesOnAndNobodyElseBecomesOne) {
  Program manager(cluster_.host(home()), 100);
  ASSERT_EQ(claim(manager), 0);
  for (const std::size_t updated : order()) {
    update(updated);
    for (std::size_t host = 1; host <= 3; ++host) {
      EXPECT_EQ(manager_at(host),
                host == home() ? "pid 100" : "host host" + std::to_string(home()));
      EXPECT_EQ(tries(host), -EBUSY) << "host " << host;
    }
  }
  EXPECT_EQ(manager.read_now(1).find(BR_ERROR), nullptr);
  // The new arbiter has its claim: it is another's when it is over.
  manager.close();
  cluster_.settle();
  for (std::size_t host = 1; host <= 3; ++host) {
    EXPECT_EQ(manager_at(host), "none");
    EXPECT_EQ(tries(host), 0) << "host " << host;
  }
}

TEST_P(Rolls, AManagerThatEndsMeanwhileKeepsNobodyOutInTheEnd) {
  for (std::size_t ends_after = 0; ends_after <= 3; ++ends_after) {
    std::optional<Program> manager(std::in_place, cluster_.host(home()), 100);
    const std::uint64_t number = 2 + ends_after;
    ASSERT_EQ(claim(*manager), 0);
    std::size_t updated = 0;
    for (const std::size_t host : order()) {
      if (updated++ == ends_after) {
        manager.reset();
        cluster_.settle();
      }
      give(host, number, 1 + static_cast<std::uint32_t>(number % 3));
      cluster_.settle();
    }
    manager.reset();
    cluster_.settle();
    for (std::size_t host = 1; host <= 3; ++host) {
      EXPECT_EQ(manager_at(host), "none");
      EXPECT_EQ(tries(host), 0) << "host " << host << ", ended after " << ends_after;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(InAnyOrder, Rolls,
                         ::testing::Combine(::testing::Values(1U, 2U, 3U),
                                            ::testing::ValuesIn(all_orders())));

TEST_F(HostLists, AClaimWithoutANumberIsNotCompared) {
  Cluster cluster(2);
  DriverSetup numbered;
  numbered.list = ListNumber{7};
  cluster.host(1).driver.change(numbered);
  cluster.settle();
  Program program(cluster.host(2), 100);
  begin_claim(program);
  cluster.settle();
  EXPECT_EQ(program.outcome(1).error, 0);
}

// A host of an earlier version is sent only what that version has.
TEST_F(HostLists, AnOlderPeerIsToldNothing) {
  cluster_.disconnect(1, 3);
  cluster_.host(1).driver.peer_connected(HostId{3}, Incarnation{3000}, "host3", WireVersion{5});
  EXPECT_EQ(cluster_.next(1, 3), nullptr);
  cluster_.host(3).driver.peer_connected(HostId{1}, Incarnation{1000}, "host1", WireVersion{5});
  EXPECT_EQ(cluster_.next(3, 1), nullptr);
  Program program(cluster_.host(3), 100);
  begin_claim(program);
  ASSERT_NE(cluster_.next(3, 1), nullptr);
  EXPECT_EQ(first_version_of(cluster_.next(3, 1)->message), kOldestVersion);
  cluster_.settle();
  EXPECT_EQ(program.outcome(1).error, 0);
}

TEST_F(HostLists, NumbersThatCannotBeEndTheSession) {
  Host& host = cluster_.host(1);
  host.driver.message_arrived(HostId{2},
                              peer::HostList{.number = ListNumber{3}, .newest = ListNumber{2}});
  host.driver.message_arrived(HostId{2}, peer::HostList{.number = {}, .newest = ListNumber{2}});
  EXPECT_EQ(host.given_up.size(), 2U);
  EXPECT_EQ(host.driver.host_list_of(HostId{2}), ListNumber{1});
  host.given_up.clear();
}

// A host that says its list is older than the arbiter's can tell of grants, but of none that the
// arbiter has made itself.
TEST_F(HostLists, AnOlderArbiterDoesNotEndWhatTheNewOneHasGranted) {
  update(2);
  update(3);
  Program manager(cluster_.host(3), 100);
  ASSERT_EQ(claim(manager), 0);
  for (const bool holds : {false, true}) {
    cluster_.host(2).driver.message_arrived(
        HostId{1}, peer::ContextHolder{.context = "binder",
                                       .holder = HostId{holds ? 1U : 3U},
                                       .incarnation = Incarnation{holds ? 1000U : 3000U},
                                       .holds = holds});
  }
  cluster_.settle();
  EXPECT_EQ(manager_at(2), "host host3");
  EXPECT_EQ(tries(2), -EBUSY);
}

}  // namespace
}  // namespace netbinder::testing
