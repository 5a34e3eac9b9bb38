// SPDX-License-Identifier: Apache-2.0
//
// Tests which list of hosts may follow which, by their numbers.
#include "membership/list_change.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace netbinder {
namespace {

Config list(std::uint64_t number, const std::vector<HostSettings>& hosts = {
                                      {.name = "a", .id = 1, .address = "127.0.0.1:1"},
                                      {.name = "b", .id = 2, .address = "127.0.0.1:2"},
                                      {.name = "c", .id = 3, .address = "127.0.0.1:3"}}) {
  Config config = default_config();
  config.membership.list = number;
  config.hosts = hosts;
  return config;
}

std::string refusal(const Config& current, const Config& wanted) {
  const auto checked = check_list_change(current, wanted);
  return checked ? "" : checked.error();
}

TEST(ListChange, NumbersGoUp) {
  EXPECT_EQ(refusal(list(3), list(3)), "");
  EXPECT_EQ(refusal(list(3), list(4)), "");
  EXPECT_EQ(refusal(list(0), list(7)), "");
  EXPECT_EQ(
      refusal(list(3), list(2)),
      "membership.list: the number of the list of hosts would go from 3 to 2, and it only goes "
      "up");
  EXPECT_EQ(refusal(list(3), list(0)),
            "membership.list: the number of the list of hosts would go from 3 to none, and it only "
            "goes up");
}

TEST(ListChange, AnotherListHasAnotherNumber) {
  const std::string same = "membership.list: the list has changed, but not its number, which is 3";
  Config other = list(3);
  std::swap(other.hosts[1], other.hosts[2]);
  EXPECT_EQ(refusal(list(3), other), same);
  other = list(3);
  other.hosts.pop_back();
  EXPECT_EQ(refusal(list(3), other), same);
  other = list(3);
  other.hosts[2].id = 4;
  EXPECT_EQ(refusal(list(3), other), same);
  other.membership.list = 4;
  EXPECT_EQ(refusal(list(3), other), "");
  other = list(3);
  other.hosts[2].address = "127.0.0.1:9";
  other.hosts[2].uid_map = {};
  EXPECT_EQ(refusal(list(3), other), "") << "the same hosts";
}

TEST(ListChange, AnIdNamesNoOtherHost) {
  Config other = list(4);
  other.hosts[2].name = "d";
  EXPECT_EQ(
      refusal(list(3), other),
      "hosts: id 3 is that of 'c' in the list in use, and of 'd' in the new one: an id is never "
      "used again");
  other.membership.list = 0;
  EXPECT_EQ(refusal(list(0), other), "") << "lists without numbers are not compared";
}

TEST(ListChange, HostsThatJoinHaveNoList) {
  Config joins = list(0, {{.name = "a", .id = 1, .address = "127.0.0.1:1"}});
  joins.membership.kind = MembershipKind::kEtcd;
  EXPECT_EQ(refusal(list(3), joins), "");
  EXPECT_EQ(refusal(joins, list(3)), "");
}

}  // namespace
}  // namespace netbinder
