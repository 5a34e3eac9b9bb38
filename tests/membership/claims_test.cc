// SPDX-License-Identifier: Apache-2.0
//
// Claims of contexts at an etcd in memory.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/membership/fake_etcd.h"

namespace netbinder::testing {
namespace {

using Words = std::vector<std::string>;

class EtcdClaims : public ::testing::Test {
 protected:
  EtcdClaims() : a(world.host("a", 10)), b(world.host("b", 10)) {
    world.run_ms(1000);
    a.news();
    b.news();
  }
  void ask(FakeHost& host, const std::string& context = "binder") {
    host.member.set_time(world.now_ms);
    host.member.ask_for_claim(context);
  }
  void release(FakeHost& host, const std::string& context = "binder") {
    host.member.set_time(world.now_ms);
    host.member.release_claim(context);
  }
  World world;
  FakeHost& a;
  FakeHost& b;
};

TEST_F(EtcdClaims, TheFirstOneHasItAndEverybodyHearsOfThat) {
  ask(a);
  ask(b);
  world.settle();
  EXPECT_EQ(a.news(), Words{"binder granted"});
  EXPECT_EQ(b.news(), Words{"binder held"});
  ASSERT_TRUE(b.claims.contains("binder"));
  EXPECT_EQ(b.claims["binder"].host, a.id_of("a"));
  EXPECT_EQ(b.claims["binder"].incarnation, Incarnation{1001});
  EXPECT_EQ(a.claims["binder"], b.claims["binder"]);
}

TEST_F(EtcdClaims, WhatIsGivenBackCanBeHadByOthersWithAGreaterEpoch) {
  ask(a);
  world.settle();
  const ClaimEpoch first = b.claims["binder"].epoch;
  release(a);
  world.settle();
  EXPECT_FALSE(b.claims.contains("binder"));
  ask(b);
  world.settle();
  EXPECT_EQ(b.news(), Words{"binder granted"});
  EXPECT_GT(a.claims["binder"].epoch, first);
  EXPECT_EQ(a.news(), Words{"binder granted"}) << "what was given back is not lost";
}

TEST_F(EtcdClaims, ContextsAreClaimedEachForItself) {
  ask(a, "binder");
  ask(b, "hwbinder");
  ask(a, "hwbinder");
  world.settle();
  EXPECT_EQ(a.news(), (Words{"binder granted", "hwbinder held"}));
  EXPECT_EQ(b.news(), Words{"hwbinder granted"});
}

TEST_F(EtcdClaims, AskingAgainForOnesOwnIsGranted) {
  ask(a);
  ask(a);
  world.settle();
  EXPECT_EQ(a.news(), (Words{"binder granted", "binder granted"}));
}

TEST_F(EtcdClaims, AHolderStopsByItsOwnClockBeforeOthersCanHaveIt) {
  ask(a);
  world.settle();
  a.news();
  a.cut_off = true;
  std::uint64_t lost_ms = 0;
  for (int i = 0; i < 200 && b.claims.contains("binder"); ++i) {
    world.run_ms(100);
    const auto news = a.news();
    if (std::ranges::find(news, "binder lost") != news.end()) lost_ms = world.now_ms;
  }
  EXPECT_NE(lost_ms, 0U);
  EXPECT_GE(world.now_ms, lost_ms + 1000) << "a fifth of the lease, or more";
  ask(b);
  world.settle();
  EXPECT_EQ(b.news().back(), "binder granted");
}

TEST_F(EtcdClaims, WhileEtcdIsAwayNothingIsGrantedAndAHolderStops) {
  ask(a);
  world.settle();
  a.news();
  world.etcd.down = true;
  world.run_ms(1000);
  ask(b);
  world.settle();
  EXPECT_EQ(b.news(), Words{"binder unreachable"});
  EXPECT_EQ(a.news(), Words{}) << "its lease is good for a while";
  world.run_ms(10'000);
  EXPECT_EQ(a.news(), Words{"binder lost"});
  EXPECT_TRUE(b.claims.contains("binder")) << "what it knows";
  // When it is back the claim that nobody has any more is given back.
  world.etcd.down = false;
  world.run_ms(5'000);
  EXPECT_FALSE(b.claims.contains("binder"));
  ask(b);
  world.settle();
  EXPECT_EQ(b.news(), Words{"binder granted"});
}

TEST_F(EtcdClaims, AShortAbsenceOfEtcdCostsNoClaim) {
  ask(a);
  world.settle();
  a.news();
  world.etcd.down = true;
  world.run_ms(4000);
  world.etcd.down = false;
  world.run_ms(30'000);
  EXPECT_EQ(a.news(), Words{});
  EXPECT_TRUE(b.claims.contains("binder"));
}

TEST_F(EtcdClaims, AnAnswerThatNobodyHeardIsGivenBack) {
  world.etcd.delay_ms = 500;
  ask(a);
  world.run_ms(100);
  a.cut_off = true;  // etcd has granted it already
  world.run_ms(3000);
  EXPECT_EQ(a.news(), Words{"binder unreachable"});
  a.cut_off = false;
  world.etcd.delay_ms = 0;
  world.run_ms(5000);
  EXPECT_FALSE(a.claims.contains("binder"));
  EXPECT_EQ(world.etcd.get("/nb/claims/binder"), std::nullopt);
}

TEST_F(EtcdClaims, AnAnswerThatComesAfterTheLeaseIsLostIsNoGrant) {
  world.run_ms(2000);
  world.etcd.delay_ms = 1000;
  ask(a);
  world.etcd.delay_ms = 0;
  world.etcd.call("/v3/lease/revoke", R"({"ID":"7000"})");
  world.run_ms(900);  // it is told so when it renews the lease
  EXPECT_EQ(a.news(), (Words{"binder unreachable"}));
  world.run_ms(2000);
  EXPECT_EQ(a.news(), Words{});
  EXPECT_TRUE(a.member.status().joined);
  ask(a);
  world.settle();
  EXPECT_EQ(a.news(), Words{"binder granted"});
}

TEST_F(EtcdClaims, AHostThatIsLostLosesItsClaims) {
  ask(a);
  world.settle();
  a.ended = true;
  world.run_ms(11'000);
  EXPECT_FALSE(b.claims.contains("binder"));
  EXPECT_EQ(b.names(), Words{"b"});
}

TEST_F(EtcdClaims, ANewLifeOfTheHolderDoesNotWaitForTheLeaseOfTheLastOne) {
  FakeHost& first = world.host("c", 10, 1, "127.0.0.1:7");
  world.settle();
  ask(first);
  world.settle();
  first.ended = true;
  FakeHost& second = world.host("c", 10, 1, "127.0.0.1:7");
  world.settle();
  EXPECT_FALSE(b.claims.contains("binder"));
  ask(second);
  world.settle();
  EXPECT_EQ(second.news().back(), "binder granted");
}

TEST_F(EtcdClaims, AHostWhoseKeyIsGoneIsGrantedNothing) {
  world.etcd.delay_ms = 100;
  ask(a);
  world.etcd.remove("/nb/hosts/a");
  ask(a);  // asked while it has not heard of that
  world.run_ms(5000);
  const auto news = a.news();
  ASSERT_EQ(news.size(), 2U);
  EXPECT_EQ(news[0], "binder granted");
  EXPECT_TRUE(a.member.status().joined);
}

TEST_F(EtcdClaims, AClaimThatAnOperatorDeletesIsLost) {
  ask(a);
  world.settle();
  a.news();
  world.etcd.remove("/nb/claims/binder");
  world.settle();
  EXPECT_EQ(a.news(), Words{"binder lost"});
  EXPECT_FALSE(b.claims.contains("binder"));
}

TEST_F(EtcdClaims, AHostThatComesLaterHearsOfAll) {
  ask(a);
  world.settle();
  FakeHost& c = world.host("c");
  world.settle();
  EXPECT_TRUE(c.claims.contains("binder"));
}

}  // namespace
}  // namespace netbinder::testing
