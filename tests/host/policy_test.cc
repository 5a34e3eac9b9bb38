// SPDX-License-Identifier: Apache-2.0
//
// The policy as a pure decision: globs, subjects, the order of rules.
#include "host/policy/policy.h"

#include <gtest/gtest.h>

#include <array>

#include "host/policy/name_exchange.h"

namespace netbinder {
namespace {

constexpr HostId kAlpha{1};
constexpr HostId kBeta{2};
constexpr std::array<std::uint32_t, 2> kGroups{100, 27};

constexpr Subject kAlice{.host = kAlpha, .uid = 1000, .groups = kGroups};
constexpr Subject kAliceOfBeta{.host = kBeta, .uid = 1000};
constexpr Subject kBob{.host = kAlpha, .uid = 1001};

TEST(Globs, MatchWholeNames) {
  EXPECT_TRUE(glob_matches("*", ""));
  EXPECT_TRUE(glob_matches("*", "a.b/c@1"));
  EXPECT_TRUE(glob_matches("a.*.c", "a.b.c"));
  EXPECT_TRUE(glob_matches("a*", "a"));
  EXPECT_TRUE(glob_matches("?b", "ab"));
  EXPECT_TRUE(glob_matches("*ab", "aab"));
  EXPECT_TRUE(glob_matches("a*b*c", "axbxbxc"));
  EXPECT_TRUE(glob_matches("abc**", "abc"));
  EXPECT_FALSE(glob_matches("", "a"));
  EXPECT_FALSE(glob_matches("a", "ab"));
  EXPECT_FALSE(glob_matches("?", ""));
  EXPECT_FALSE(glob_matches("a.c", "abc")) << "a point is a point";
  EXPECT_FALSE(glob_matches("A", "a"));
  EXPECT_FALSE(glob_matches("a*b*c", "axcxb"));
}

// A name that nearly matches many stars costs no more than both lengths multiplied.
TEST(Globs, ManyStarsAreNoWork) {
  std::string glob;
  for (int i = 0; i < 60; ++i) glob += "*a";
  EXPECT_FALSE(glob_matches(glob + "b", std::string(4000, 'a')));
}

TEST(Globs, SetsTakeNamesOutAgain) {
  const NameGlobs some({"!a.secret.*", "a.*"});
  EXPECT_TRUE(some.contain("a.b"));
  EXPECT_FALSE(some.contain("a.secret.b"));
  EXPECT_FALSE(some.contain("b"));
  EXPECT_TRUE(NameGlobs({"!a"}).contain("b")) << "all but that one";
  EXPECT_FALSE(NameGlobs({"!a"}).contain("a"));
  EXPECT_TRUE(NameGlobs().contain("anything"));
}

TEST(Subjects, MatchByUserGroupAndHost) {
  EXPECT_TRUE(Who::anybody().matches(kAliceOfBeta));
  EXPECT_TRUE(Who::user(1000).matches(kAlice));
  EXPECT_TRUE(Who::user(1000).matches(kAliceOfBeta)) << "equal users of hosts are equal";
  EXPECT_FALSE(Who::user(1000).matches(kBob));
  EXPECT_TRUE(Who::user(1000, kBeta).matches(kAliceOfBeta));
  EXPECT_FALSE(Who::user(1000, kBeta).matches(kAlice));
  EXPECT_TRUE(Who::anybody(kBeta).matches(kAliceOfBeta));
  EXPECT_FALSE(Who::anybody(kBeta).matches(kAlice));
  EXPECT_TRUE(Who::group(27).matches(kAlice)) << "a supplementary group";
  EXPECT_FALSE(Who::group(28).matches(kAlice));
  EXPECT_FALSE(Who::group(27).matches(kAliceOfBeta)) << "of other hosts no groups are known";
}

TEST(Policy, WithoutRulesEverythingIsAllowed) {
  for (const Action action : {Action::kAdd, Action::kFind, Action::kCall, Action::kManage}) {
    EXPECT_EQ(Policy().decide(action, "binder", "a", kAlice), Verdict{});
    EXPECT_FALSE(Policy().concerns(action, "binder"));
  }
}

TEST(Policy, TheFirstRuleThatMatchesDecides) {
  const Policy policy({
      {.context = {},
       .who = {Who::user(1000)},
       .actions = {Action::kAdd},
       .names = NameGlobs({"a.*"}),
       .permission = Permission::kAllowed},
      {.context = {},
       .who = {Who::anybody()},
       .actions = {Action::kAdd, Action::kFind},
       .names = NameGlobs({"a.*"}),
       .permission = Permission::kDenied},
      {.context = {},
       .who = {Who::anybody()},
       .actions = {Action::kAdd},
       .names = NameGlobs(),
       .permission = Permission::kAllowed},
  });
  const auto decide = [&](Action action, const char* name, const Subject& subject) {
    return policy.decide(action, "binder", name, subject);
  };
  EXPECT_EQ(decide(Action::kAdd, "a.b", kAlice), (Verdict{Permission::kAllowed, 1}));
  EXPECT_EQ(decide(Action::kAdd, "a.b", kBob), (Verdict{Permission::kDenied, 2}));
  EXPECT_EQ(decide(Action::kAdd, "b", kBob), (Verdict{Permission::kAllowed, 3}));
  EXPECT_EQ(decide(Action::kFind, "a.b", kAlice), (Verdict{Permission::kDenied, 2}));
  EXPECT_EQ(decide(Action::kFind, "b", kAlice), Verdict{});
  EXPECT_EQ(decide(Action::kCall, "a.b", kBob), Verdict{});
}

TEST(Policy, RulesMayBeOfOneContext) {
  const Policy policy({{.context = "hwbinder",
                        .who = {Who::anybody()},
                        .actions = {Action::kManage},
                        .names = NameGlobs(),
                        .permission = Permission::kDenied}});
  EXPECT_TRUE(policy.concerns(Action::kManage, "hwbinder"));
  EXPECT_FALSE(policy.concerns(Action::kManage, "binder"));
  EXPECT_TRUE(policy.manage_rules("hwbinder").decide(kAlice).denied());
  EXPECT_TRUE(policy.manage_rules("binder").empty());
}

// An object may have several names; a rule about any of them is about the object.
TEST(Policy, RulesOfAnObjectKeepTheirOrderAndNumbers) {
  const auto rule = [](Permission permission, Who who, const char* glob) {
    return PolicyRule{.context = {},
                      .who = {who},
                      .actions = {Action::kCall},
                      .names = NameGlobs({glob}),
                      .permission = permission};
  };
  const Policy policy({rule(Permission::kDenied, Who::anybody(), "other"),
                       rule(Permission::kAllowed, Who::group(27), "b"),
                       rule(Permission::kDenied, Who::anybody(), "a")});
  const std::array<std::string, 2> names{"a", "b"};
  const AccessRules rules = policy.rules_for(Action::kCall, "binder", names);
  EXPECT_EQ(rules.decide(kAlice), (Verdict{Permission::kAllowed, 2}));
  EXPECT_EQ(rules.decide(kBob), (Verdict{Permission::kDenied, 3}));
  EXPECT_EQ(rules.object(), "a");
  const std::array<std::string, 1> unnamed{"c"};
  EXPECT_TRUE(policy.rules_for(Action::kCall, "binder", unnamed).empty());
}

TEST(NameExchange, NeedsContextAndHost) {
  const NameExchange exchange{
      .exports = {.of_context = NameGlobs({"a.*"}), .of_hosts = {{kBeta, NameGlobs({"!a.x"})}}},
      .imports = {.of_context = NameGlobs(), .of_hosts = {{kBeta, NameGlobs({"b"})}}}};
  EXPECT_TRUE(exchange.shows(kBeta, "a.b"));
  EXPECT_FALSE(exchange.shows(kBeta, "a.x"));
  EXPECT_FALSE(exchange.shows(kBeta, "b"));
  EXPECT_TRUE(exchange.shows(HostId{3}, "a.x"));
  EXPECT_TRUE(exchange.takes(kBeta, "b"));
  EXPECT_FALSE(exchange.takes(kBeta, "c"));
  EXPECT_TRUE(exchange.takes(HostId{3}, "c"));
}

}  // namespace
}  // namespace netbinder
