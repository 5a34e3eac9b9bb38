// SPDX-License-Identifier: Apache-2.0
//
// Tests the changes by a new configuration in a running agent.
#include "node-agent/reconfiguration.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace netbinder {
namespace {

using Keys = std::vector<std::string>;

Config three_hosts(const std::string& more = "") {
  return parse_config(R"(
host = "b"
cluster_key = "k"
)" + more + R"(
[[hosts]]
name = "a"
address = "127.0.0.1:1"
[[hosts]]
name = "b"
address = "127.0.0.1:2"
[[hosts]]
name = "c"
address = "127.0.0.1:3"
)",
                      "t")
      .value();
}

TEST(Reconfiguration, TheSameChangesNothing) {
  const Reconfiguration plan = plan_reconfiguration(three_hosts(), three_hosts());
  EXPECT_EQ(plan.config, three_hosts());
  EXPECT_EQ(plan.changed, Keys{});
  EXPECT_EQ(plan.needs_restart, Keys{});
}

TEST(Reconfiguration, BoundsAndLevelsAreTakenOver) {
  Config wanted = three_hosts();
  wanted.log_level = "debug";
  wanted.log = {.format = LogFormat::kJson, .filter = {{"claims", "trace"}, {"rdma", "off"}}};
  wanted.busy_poll_us = 0;
  wanted.limits.max_nodes_per_user = 5;
  const Reconfiguration plan = plan_reconfiguration(three_hosts(), wanted);
  EXPECT_EQ(plan.config, wanted);
  EXPECT_EQ(plan.changed, (Keys{"busy_poll_us", "limits.max_nodes_per_user", "log.filter", "log.format", "log_level"}));
  EXPECT_EQ(plan.needs_restart, Keys{});
}

TEST(Reconfiguration, WhatNeedsARestartIsNamedAndStays) {
  Config wanted = three_hosts();
  wanted.cluster = "other";
  wanted.socket = "/elsewhere";
  wanted.session.timeout_ms = 1;
  wanted.limits.max_file_bytes = 1;
  wanted.metrics.listen = "127.0.0.1:9";
  const Reconfiguration plan = plan_reconfiguration(three_hosts(), wanted);
  EXPECT_EQ(plan.config, three_hosts());
  EXPECT_EQ(plan.changed, Keys{});
  EXPECT_EQ(plan.needs_restart,
            (Keys{"cluster", "limits.max_file_bytes", "metrics.listen", "session.timeout_ms", "socket"}));
}

TEST(Reconfiguration, HostsComeGoAndMove) {
  Config wanted = three_hosts();
  wanted.hosts[2] = {.name = "d", .id = 4, .address = "127.0.0.1:4"};
  wanted.hosts[0].address = "127.0.0.1:10";
  const Reconfiguration plan = plan_reconfiguration(three_hosts(), wanted);
  EXPECT_EQ(plan.config.hosts, wanted.hosts);
  EXPECT_EQ(plan.changed,
            (Keys{"hosts[a].address", "hosts[c].address", "hosts[c].id", "hosts[c].name",
                  "hosts[c].uid_map.0", "hosts[d].address", "hosts[d].id", "hosts[d].name",
                  "hosts[d].uid_map.0"}));
  EXPECT_EQ(plan.needs_restart, Keys{});
}

TEST(Reconfiguration, TheArbiterAndNumbersOfHostsStay) {
  Config other_arbiter = three_hosts();
  std::swap(other_arbiter.hosts[0], other_arbiter.hosts[2]);
  EXPECT_EQ(plan_reconfiguration(three_hosts(), other_arbiter).config, three_hosts());
  Config number_of_another = three_hosts();
  number_of_another.hosts[2] = {.name = "d", .id = 3, .address = "127.0.0.1:4"};
  const Reconfiguration plan = plan_reconfiguration(three_hosts(), number_of_another);
  EXPECT_EQ(plan.config, three_hosts());
  EXPECT_FALSE(plan.needs_restart.empty());
}

TEST(Reconfiguration, TheNumberOfTheListChangesWithTheHosts) {
  Config numbered = three_hosts();
  numbered.membership.list = 4;
  const Reconfiguration first = plan_reconfiguration(three_hosts(), numbered);
  EXPECT_EQ(first.config, numbered);
  EXPECT_EQ(first.changed, Keys{"membership.list"});
  Config wanted = numbered;
  wanted.membership.list = 5;
  std::swap(wanted.hosts[0], wanted.hosts[2]);
  wanted.hosts.insert(wanted.hosts.begin() + 1, {.name = "d", .id = 4, .address = "127.0.0.1:4"});
  const Reconfiguration plan = plan_reconfiguration(numbered, wanted);
  EXPECT_EQ(plan.config, wanted) << "with another arbiter, and in the order of the list";
  EXPECT_EQ(plan.needs_restart, Keys{});
  wanted.hosts.front().name = "e";
  wanted.hosts.back().name = "c";
  EXPECT_EQ(plan_reconfiguration(numbered, wanted).config, numbered)
      << "a host that has another id: nothing of the list is taken over";
}

TEST(Reconfiguration, AListWithoutANumberNamesNoOtherArbiterThanTheOneBefore) {
  Config wanted = three_hosts();
  wanted.membership.list = 1;
  std::swap(wanted.hosts[0], wanted.hosts[2]);
  EXPECT_EQ(plan_reconfiguration(three_hosts(), wanted).config, three_hosts());
}

TEST(Reconfiguration, PolicyAndExportsAreTakenOver) {
  Config wanted = three_hosts();
  wanted.policy.push_back({.context = "binder", .actions = {PolicyAction::kAdd}});
  wanted.contexts[0].exported = {"a.*"};
  wanted.contexts[0].unique = {"c.*"};
  wanted.hosts[2].imported = {"b.*"};
  const Reconfiguration plan = plan_reconfiguration(three_hosts(), wanted);
  EXPECT_EQ(plan.config, wanted);
  EXPECT_EQ(plan.needs_restart, Keys{});
}

TEST(Reconfiguration, LatenciesAreSwitchedOnAndTheAddressOfMetricsStays) {
  Config wanted = three_hosts();
  wanted.metrics.latency = true;
  EXPECT_EQ(plan_reconfiguration(three_hosts(), wanted).config, wanted);
  wanted.metrics.listen = "127.0.0.1:9555";
  const Reconfiguration plan = plan_reconfiguration(three_hosts(), wanted);
  EXPECT_EQ(plan.changed, Keys{"metrics.latency"});
  EXPECT_EQ(plan.needs_restart, Keys{"metrics.listen"});
}

// The entry of this host concerns the others only, as the file is the same everywhere.
TEST(Reconfiguration, TheOwnEntrysRulesAboutOthersDoNotHinder) {
  Config wanted = three_hosts();
  wanted.hosts[1].uid_map[1000] = 1001;
  wanted.hosts[2].address = "127.0.0.1:30";
  EXPECT_EQ(plan_reconfiguration(three_hosts(), wanted).config, wanted);
}

TEST(Reconfiguration, RulesAboutAHostThatCannotBeTakenOverWait) {
  Config wanted = three_hosts();
  std::swap(wanted.hosts[0], wanted.hosts[2]);  // another arbiter
  wanted.hosts.push_back({.name = "d", .id = 4, .address = "127.0.0.1:4"});
  PolicySettings rule;
  rule.actions = {PolicyAction::kAdd};
  rule.who = {{.host = "d", .text = "host:d"}};
  wanted.policy.push_back(rule);
  const Reconfiguration plan = plan_reconfiguration(three_hosts(), wanted);
  EXPECT_EQ(plan.config, three_hosts());
  EXPECT_NE(std::ranges::find(plan.needs_restart, "policy[1].who"), plan.needs_restart.end());
}

TEST(Reconfiguration, DevicesAreAddedAndStay) {
  Config wanted = three_hosts();
  wanted.contexts.erase(wanted.contexts.begin());
  wanted.contexts.push_back({.name = "more"});
  const Reconfiguration plan = plan_reconfiguration(three_hosts(), wanted);
  ASSERT_EQ(plan.config.contexts.size(), 4U);
  EXPECT_EQ(plan.config.contexts[0].name, "binder");
  EXPECT_EQ(plan.config.contexts[3].name, "more");
  EXPECT_EQ(plan.changed.size(), 4U);
  EXPECT_EQ(plan.needs_restart.size(), 4U) << "the device that is not wanted any more";
}

Config joined_host(const std::string& more = "") {
  Config config = parse_config(R"(
host = "b"
cluster_key = "k"
listen = "127.0.0.1:2"
[membership]
kind = "etcd"
endpoints = ["http://127.0.0.1:2379"]
)" + more,
                               "t")
                      .value();
  return config;
}

TEST(Reconfiguration, HostsThatHaveJoinedStayAndWhatIsSaidAboutThemChanges) {
  Config current = joined_host();
  current.hosts = {described_host(current, "a", 7, "127.0.0.1:1"),
                   described_host(current, "b", 9, "127.0.0.1:2")};
  const Config wanted = joined_host(
      "[[hosts]]\nname = \"a\"\nuid_map = { 0 = 0 }\n"
      "[[policy]]\ndeny = [\"add\"]\nwho = [\"host:z\"]\n");
  const Reconfiguration plan = plan_reconfiguration(current, wanted);
  ASSERT_EQ(plan.config.hosts.size(), 2U);
  EXPECT_EQ(plan.config.hosts[0].id, 7U);
  EXPECT_EQ(plan.config.hosts[0].address, "127.0.0.1:1");
  EXPECT_EQ(plan.config.hosts[0].uid_map.at(0), 0U);
  EXPECT_EQ(plan.config.self().id, 9U);
  EXPECT_EQ(plan.config.policy.size(), 1U);
  EXPECT_EQ(plan.needs_restart, Keys{});
}

TEST(Reconfiguration, TheWayToEtcdChangesAndTheRestOfMembershipIsNamed) {
  Config wanted = joined_host();
  wanted.membership.endpoints = {"https://127.0.0.1:1"};
  wanted.membership.tls.ca = "/ca";
  wanted.membership.user = "u";
  wanted.membership.prefix = "/other";
  wanted.membership.lease_seconds = 9;
  const Reconfiguration plan = plan_reconfiguration(joined_host(), wanted);
  EXPECT_EQ(plan.config.membership.endpoints, wanted.membership.endpoints);
  EXPECT_EQ(plan.config.membership.prefix, "/netbinder/default");
  EXPECT_EQ(plan.changed, (Keys{"membership.endpoints", "membership.tls.ca", "membership.user"}));
  EXPECT_EQ(plan.needs_restart, (Keys{"membership.lease_seconds", "membership.prefix"}));
  EXPECT_FALSE(plan_reconfiguration(three_hosts(), joined_host()).needs_restart.empty());
  EXPECT_EQ(plan_reconfiguration(three_hosts(), joined_host()).config.hosts, three_hosts().hosts);
}

TEST(Reconfiguration, ASingleHostBecomesNoCluster) {
  const Reconfiguration plan = plan_reconfiguration(default_config(), three_hosts());
  EXPECT_EQ(plan.config, default_config());
  EXPECT_FALSE(plan.needs_restart.empty());
}

}  // namespace
}  // namespace netbinder
