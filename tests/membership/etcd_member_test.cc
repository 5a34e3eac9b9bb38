// SPDX-License-Identifier: Apache-2.0
//
// Hosts join at an etcd in memory and leave it, with everything that can go wrong.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/membership/fake_etcd.h"

namespace netbinder::testing {
namespace {

using Words = std::vector<std::string>;

TEST(EtcdMember, HostsJoinAndGetNumbersInTheOrderOfTheirComing) {
  World world;
  FakeHost& c = world.host("c");
  world.settle();
  FakeHost& a = world.host("a");
  world.settle();
  EXPECT_EQ(c.names(), (Words{"c", "a"}));
  EXPECT_EQ(a.names(), (Words{"c", "a"}));
  EXPECT_EQ(a.id_of("c"), HostId{1});
  EXPECT_EQ(a.id_of("a"), HostId{2});
  EXPECT_EQ(c.news(), (Words{"hosts c", "hosts c a"}));
  EXPECT_EQ(a.news(), (Words{"hosts c a"}));
  EXPECT_TRUE(a.member.status().joined);
  EXPECT_EQ(a.member.status().version, "3.4.23");
  EXPECT_EQ(world.etcd.keys(),
            (Words{"/nb/hosts/a", "/nb/hosts/c", "/nb/ids/a", "/nb/ids/c", "/nb/next_id"}));
}

TEST(EtcdMember, ManyJoinAtOnceAndEachHasANumberOfItsOwn) {
  World world;
  for (int i = 0; i < 20; ++i) world.host("h" + std::to_string(i));
  world.run_ms(1000);
  std::set<HostId> ids;
  for (const Member& member : world.hosts[0]->members) ids.insert(member.id);
  EXPECT_EQ(ids.size(), 20U);
  EXPECT_EQ(*ids.rbegin(), HostId{20});
  for (const auto& host : world.hosts) EXPECT_EQ(host->members, world.hosts[0]->members);
}

TEST(EtcdMember, AChangeCostsNoReadOfEverything) {
  World world;
  for (int i = 0; i < 10; ++i) world.host("h" + std::to_string(i));
  world.run_ms(1000);
  world.host("late");
  const std::size_t before = world.etcd.reads;
  world.run_ms(60'000);
  EXPECT_LE(world.etcd.reads - before, 3U) << "the new host's own";
  EXPECT_EQ(world.hosts[0]->members.size(), 11U);
}

// Hosts are told of each change once, and nobody reads everything more often than once in its life.
TEST(EtcdMember, TwoHundredHostsJoinLeaveAndRoll) {
  World world;
  constexpr std::size_t kHosts = 200;
  for (std::size_t i = 0; i < kHosts; ++i) world.host("h" + std::to_string(i), 60);
  world.run_ms(2000);
  for (const auto& host : world.hosts) ASSERT_EQ(host->members.size(), kHosts);
  EXPECT_EQ(world.etcd.reads, kHosts);
  const std::vector<Member> before = world.hosts[0]->members;
  // One after the other ends and begins a new life.
  constexpr std::size_t kRolled = 40;
  for (std::size_t i = 1; i <= kRolled; ++i) {
    world.hosts[i]->member.leave([] {});
    world.settle();
    world.hosts[i]->ended = true;
    world.host("h" + std::to_string(i), 60);
    world.settle();
  }
  EXPECT_EQ(world.etcd.reads, kHosts + kRolled);
  const std::vector<Member>& after = world.hosts[0]->members;
  ASSERT_EQ(after.size(), kHosts);
  for (std::size_t i = 0; i < kHosts; ++i) {
    EXPECT_EQ(after[i].name, before[i].name);
    EXPECT_EQ(after[i].id, before[i].id);
  }
  EXPECT_EQ(world.hosts.back()->members, after);
}

TEST(EtcdMember, NumbersAreNeverUsedAgain) {
  World world;
  FakeHost& a = world.host("a");
  world.settle();
  {
    FakeHost& b = world.host("b");
    world.settle();
    bool left = false;
    b.member.leave([&] { left = true; });
    world.settle();
    EXPECT_TRUE(left);
    b.ended = true;
  }
  EXPECT_EQ(a.names(), Words{"a"});
  world.host("c");
  world.settle();
  EXPECT_EQ(a.id_of("c"), HostId{3});
  world.host("b");
  world.settle();
  EXPECT_EQ(a.id_of("b"), HostId{2}) << "of that name, for good";
}

TEST(EtcdMember, AHostThatIsLostLeavesWhenItsLeaseIsOver) {
  World world;
  FakeHost& a = world.host("a", 10);
  FakeHost& b = world.host("b", 10);
  world.run_ms(30'000);
  EXPECT_EQ(a.names().size(), 2U) << "it is renewed";
  b.ended = true;
  world.run_ms(6'000);
  EXPECT_EQ(a.names().size(), 2U);
  world.run_ms(5'000);
  EXPECT_EQ(a.names(), Words{"a"});
}

TEST(EtcdMember, TheNextLifeOfAHostTakesThePlaceOfTheLastOneAtOnce) {
  World world;
  FakeHost& first = world.host("a", 10, 1, "127.0.0.1:7");
  FakeHost& other = world.host("b");
  world.settle();
  first.ended = true;
  FakeHost& second = world.host("a", 10, 1, "127.0.0.1:7");
  world.settle();
  EXPECT_EQ(second.names().size(), 2U);
  EXPECT_EQ(second.id_of("a"), first.id_of("a"));
  EXPECT_EQ(other.members[0].incarnation, Incarnation{1003});
}

TEST(EtcdMember, TwoHostsWithOneNameAreNotBothLetIn) {
  World world;
  FakeHost& first = world.host("a");
  world.settle();
  FakeHost& second = world.host("a");
  world.run_ms(60'000);
  EXPECT_TRUE(first.member.status().joined);
  EXPECT_FALSE(second.member.status().joined);
  EXPECT_EQ(second.told, Words{});
  EXPECT_NE(second.member.status().last_error.find("another agent has joined as 'a'"),
            std::string::npos);
  EXPECT_EQ(first.news(), Words{"hosts a"});
  first.member.leave([] {});
  world.settle();
  EXPECT_TRUE(second.member.status().joined) << "the name is free now";
}

TEST(EtcdMember, WhileEtcdIsAwayNothingChangesAndStatusSaysSo) {
  World world;
  FakeHost& a = world.host("a", 10);
  world.host("b", 10);
  world.run_ms(1000);
  a.news();
  world.etcd.down = true;
  world.run_ms(60'000);
  EXPECT_EQ(a.news(), Words{});
  MembershipStatus status = a.member.status();
  EXPECT_FALSE(status.available);
  EXPECT_GE(status.since_ms, 50'000U);
  EXPECT_NE(status.last_error.find("connection refused"), std::string::npos);
  EXPECT_EQ(status.members.size(), 2U);
  world.etcd.down = false;
  world.run_ms(3000);
  EXPECT_TRUE(a.member.status().available);
  EXPECT_EQ(a.member.status().last_error, "");
  EXPECT_EQ(a.news(), Words{}) << "all are still there";
  world.run_ms(60'000);
  EXPECT_EQ(a.names().size(), 2U);
}

TEST(EtcdMember, AHostThatJoinsWhileEtcdIsAwayWaits) {
  World world;
  world.etcd.down = true;
  FakeHost& a = world.host("a");
  world.run_ms(20'000);
  EXPECT_EQ(a.told, Words{});
  world.etcd.down = false;
  world.run_ms(3000);
  EXPECT_EQ(a.names(), Words{"a"});
}

TEST(EtcdMember, ALostLeaseIsFollowedByJoiningAgain) {
  World world;
  FakeHost& a = world.host("a", 10);
  FakeHost& b = world.host("b", 10);
  world.run_ms(1000);
  const HostId id = a.id_of("b");
  b.cut_off = true;
  world.run_ms(20'000);
  EXPECT_EQ(a.names(), Words{"a"});
  EXPECT_EQ(b.names().size(), 2U) << "what it knows";
  b.cut_off = false;
  world.run_ms(5'000);
  EXPECT_EQ(a.names().size(), 2U);
  EXPECT_EQ(a.id_of("b"), id);
  EXPECT_TRUE(b.member.status().joined);
}

TEST(EtcdMember, ASlowEtcdIsWaitedForAndATooSlowOneIsLeft) {
  World world;
  world.etcd.delay_ms = 1000;
  FakeHost& a = world.host("a", 10, 2);
  world.run_ms(10'000);
  EXPECT_EQ(a.names(), Words{"a"});
  EXPECT_EQ(a.endpoints_used, Words{"0"});
  world.etcd.delay_ms = 100'000;
  world.run_ms(20'000);
  EXPECT_FALSE(a.member.status().available);
  EXPECT_GE(a.endpoints_used.size(), 3U) << "the other one, and this one again";
}

TEST(EtcdMember, EndpointsAreTriedInTurnAndNotTooOften) {
  World world;
  world.etcd.down = true;
  FakeHost& a = world.host("a", 10, 3);
  world.run_ms(60'000);
  ASSERT_GE(a.endpoints_used.size(), 9U);
  EXPECT_EQ(Words(a.endpoints_used.begin(), a.endpoints_used.begin() + 4),
            (Words{"0", "1", "2", "0"}));
  EXPECT_LE(a.endpoints_used.size(), 240U)
      << "a round every two seconds, and those of the beginning";
}

TEST(EtcdMember, ACompactedWatchReadsEverythingAgain) {
  World world;
  FakeHost& a = world.host("a");
  world.host("b");
  world.run_ms(1000);
  a.cut_off = true;
  world.host("c");
  world.run_ms(1000);
  world.etcd.put("/nb/other", "x");
  world.etcd.compact();
  a.cut_off = false;
  world.settle();
  EXPECT_EQ(a.names(), (Words{"a", "b", "c"}));
}

TEST(EtcdMember, AnEtcdThatWasMadeAnewGetsEveryHostBackUnderItsNumber) {
  World world;
  world.host("a");
  world.settle();
  FakeHost& b = world.host("b");
  world.settle();
  world.etcd.down = true;
  world.settle();
  world.etcd.empty();
  world.etcd.down = false;
  world.run_ms(10'000);
  EXPECT_EQ(b.names(), (Words{"a", "b"}));
  EXPECT_EQ(b.id_of("a"), HostId{1});
  EXPECT_EQ(b.id_of("b"), HostId{2});
  FakeHost& c = world.host("c");
  world.settle();
  EXPECT_EQ(c.id_of("c"), HostId{3});
}

TEST(EtcdMember, AKeyThatAnOperatorDeletesIsMadeAgain) {
  World world;
  FakeHost& a = world.host("a");
  FakeHost& b = world.host("b");
  world.settle();
  world.etcd.remove("/nb/hosts/b");
  world.settle();
  EXPECT_EQ(a.names().size(), 2U);
  EXPECT_TRUE(b.member.status().joined);
}

TEST(EtcdMember, WhatNoAgentWritesIsLeftOut) {
  World world;
  FakeHost& a = world.host("a");
  world.settle();
  a.news();
  world.etcd.put("/nb/hosts/x", "not JSON");
  world.etcd.put("/nb/hosts/y",
                 R"({"id":9,"address":"10.0.0.1:7","incarnation":"5"})");  // no loopback
  world.etcd.put("/nb/hosts/z z", R"({"id":9,"address":"127.0.0.1:7","incarnation":"5"})");
  world.etcd.put("/nb/hosts/w", R"({"id":0,"address":"127.0.0.1:7","incarnation":"5"})");
  world.etcd.put("/nb/claims/binder", "[]");
  world.etcd.put("/nb/ids/q", "-1");
  world.settle();
  EXPECT_EQ(a.news(), Words{});
  world.etcd.put("/nb/hosts/v", R"({"id":9,"address":"127.0.0.1:7","incarnation":"5"})");
  world.settle();
  EXPECT_EQ(a.names(), (Words{"a", "v"}));
  world.host("n");
  world.settle();
  EXPECT_TRUE(world.hosts[1]->member.status().joined);
}

TEST(EtcdMember, ALostNextNumberGivesNoNumberTwice) {
  World world;
  FakeHost& a = world.host("a");
  world.host("b");
  world.settle();
  world.etcd.remove("/nb/next_id");
  world.host("c");
  world.settle();
  EXPECT_EQ(a.id_of("c"), HostId{3});
}

TEST(EtcdMember, PasswordsAreSaidAndRefusalsAreNamed) {
  World world;
  world.etcd.password = "secret";
  FakeHost& a = world.host("a", 10, 1, "", "binder");
  world.settle();
  EXPECT_EQ(a.names(), Words{"a"});
  FakeHost& none = world.host("c");
  world.run_ms(5000);
  EXPECT_NE(none.member.status().last_error.find("invalid auth token"), std::string::npos);
  world.etcd.password = "changed";  // every token with it
  world.run_ms(20'000);
  EXPECT_NE(a.member.status().last_error.find("authentication failed"), std::string::npos);
  a.password_text = "changed";
  world.run_ms(5'000);
  EXPECT_TRUE(a.member.status().available);
}

TEST(EtcdMember, LabelsAndAddressesAreTold) {
  World world;
  FakeHost& a = world.host("a");
  world.etcd.put(
      "/nb/hosts/v",
      R"({"id":9,"address":"127.0.0.1:7","incarnation":"18446744073709551615","labels":{"rack":"r1"}})");
  world.settle();
  ASSERT_EQ(a.members.size(), 2U);
  EXPECT_EQ(a.members[1].labels.at("rack"), "r1");
  EXPECT_EQ(a.members[1].incarnation, Incarnation{UINT64_MAX});
  EXPECT_EQ(a.members[1].address, "127.0.0.1:7");
}

}  // namespace
}  // namespace netbinder::testing
