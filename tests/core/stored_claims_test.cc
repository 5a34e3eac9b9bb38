// SPDX-License-Identifier: Apache-2.0
//
// Managers of contexts whose claims a store decides: who is told of whom, and what ends it. The
// store is played by each test.
#include <gtest/gtest.h>

#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "tests/core/manager_claims.h"

namespace netbinder::testing {
namespace {

const Bounds kByStore{.claims_by = ClaimsBy::kStore};

ClaimHolder holder(std::uint32_t host, std::uint64_t epoch) {
  return {
      .host = HostId{host}, .incarnation = Incarnation{host * 1000}, .epoch = ClaimEpoch{epoch}};
}

void tell_all(Cluster& cluster, std::optional<ClaimHolder> now) {
  for (std::size_t host = 1; host <= 3; ++host) {
    cluster.host(host).driver.claim_held("binder", now);
  }
  cluster.settle();
}

// A manager on host 1, by claim number 5.
void grant(Cluster& cluster, Program& program) {
  begin_claim(program);
  Driver& driver = program.host().driver;
  driver.claim_held("binder", holder(program.host().id, 5));
  driver.claim_answered("binder", ClaimAnswer::kGranted);
  cluster.settle();
  EXPECT_EQ(program.outcome(1).error, 0);
}

using Asked = std::vector<std::string>;

TEST(StoredClaims, AClaimWaitsForTheStoresAnswer) {
  Cluster cluster(3, kByStore);
  Program program(cluster.host(2), 100);
  begin_claim(program);
  cluster.settle();
  EXPECT_TRUE(program.blocked(1));
  EXPECT_EQ(cluster.host(2).store, Asked{"ask binder"});
  cluster.host(2).driver.claim_answered("binder", ClaimAnswer::kHeld);
  EXPECT_EQ(program.outcome(1).error, -EBUSY);
  begin_claim(program);
  cluster.host(2).driver.claim_answered("binder", ClaimAnswer::kUnreachable);
  EXPECT_EQ(program.outcome(1).error, -EHOSTUNREACH);
  begin_claim(program);
  cluster.host(2).driver.claim_answered("binder", ClaimAnswer::kGranted);
  EXPECT_EQ(program.outcome(1).error, 0);
}

TEST(StoredClaims, OthersUseTheManagerOfTheHolderOnly) {
  Cluster cluster(3, kByStore);
  Program program(cluster.host(1), 100);
  grant(cluster, program);
  EXPECT_EQ(manager_at(cluster, 2), "none") << "announced, but the store has not said so";
  tell_all(cluster, holder(2, 6));
  EXPECT_EQ(manager_at(cluster, 3), "none") << "the store names another host";
  tell_all(cluster, ClaimHolder{HostId{1}, Incarnation{77}, ClaimEpoch{7}});
  EXPECT_EQ(manager_at(cluster, 3), "none") << "another life of that host";
  tell_all(cluster, holder(1, 8));
  EXPECT_NE(manager_at(cluster, 2), "none");
  EXPECT_NE(manager_at(cluster, 3), "none");
  tell_all(cluster, std::nullopt);
  EXPECT_EQ(manager_at(cluster, 3), "none");
}

TEST(StoredClaims, AnotherHostsClaimKeepsProgramsFromAsking) {
  Cluster cluster(3, kByStore);
  Program program(cluster.host(2), 100);
  tell_all(cluster, holder(1, 5));
  begin_claim(program);
  EXPECT_EQ(program.outcome(1).error, -EBUSY);
  EXPECT_EQ(cluster.host(2).store, Asked{});
}

TEST(StoredClaims, ALostClaimDeposesTheManager) {
  Cluster cluster(3, kByStore);
  Program program(cluster.host(1), 100);
  grant(cluster, program);
  tell_all(cluster, holder(1, 5));
  EXPECT_NE(manager_at(cluster, 2), "none");
  cluster.host(1).driver.claim_lost("binder");
  cluster.settle();
  EXPECT_EQ(manager_at(cluster, 1), "none");
  EXPECT_EQ(manager_at(cluster, 2), "none") << "its node has died for others";
  const Outcome told = program.read_now(1);
  EXPECT_NE(told.find(BR_ERROR), nullptr);
  EXPECT_EQ(cluster.host(1).store, Asked{"ask binder"}) << "what is lost is not given back";
  cluster.host(1).driver.claim_lost("binder");  // once more changes nothing
}

TEST(StoredClaims, AManagerThatEndsGivesItsClaimBack) {
  Cluster cluster(3, kByStore);
  Program program(cluster.host(1), 100);
  grant(cluster, program);
  program.close();
  EXPECT_EQ(cluster.host(1).store, (Asked{"ask binder", "release binder"}));
}

TEST(StoredClaims, AClaimantThatEndedGivesTheGrantBack) {
  Cluster cluster(3, kByStore);
  Program program(cluster.host(1), 100);
  begin_claim(program);
  program.close();
  cluster.host(1).driver.claim_answered("binder", ClaimAnswer::kGranted);
  EXPECT_EQ(cluster.host(1).store, (Asked{"ask binder", "release binder"}));
}

// The answer to the first one is not taken for the second's.
TEST(StoredClaims, OnlyTheLastAnswerCounts) {
  Cluster cluster(3, kByStore);
  {
    Program first(cluster.host(1), 100);
    begin_claim(first);
  }
  Program second(cluster.host(1), 101);
  begin_claim(second);
  cluster.host(1).driver.claim_answered("binder", ClaimAnswer::kUnreachable);
  EXPECT_TRUE(second.blocked(1));
  cluster.host(1).driver.claim_answered("binder", ClaimAnswer::kGranted);
  EXPECT_EQ(second.outcome(1).error, 0);
}

TEST(StoredClaims, AHostThatComesLaterHearsOfTheManager) {
  Cluster cluster(3, kByStore);
  cluster.disconnect(1, 3);
  Program program(cluster.host(1), 100);
  grant(cluster, program);
  tell_all(cluster, holder(1, 5));
  EXPECT_EQ(manager_at(cluster, 3), "none");
  for (const auto& [here, there] : {std::pair(1U, 3U), std::pair(3U, 1U)}) {
    cluster.host(here).driver.peer_connected(HostId{there}, Incarnation{there * 1000},
                                             "host" + std::to_string(there));
  }
  cluster.settle();
  EXPECT_NE(manager_at(cluster, 3), "none");
}

}  // namespace
}  // namespace netbinder::testing
