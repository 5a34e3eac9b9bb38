// SPDX-License-Identifier: Apache-2.0
//
// Tests which hosts an agent uses, of those that are members and of those it knows.
#include "node-agent/cluster_members.h"

#include <gtest/gtest.h>

namespace netbinder {
namespace {

Member member(const std::string& name, std::uint32_t id, const std::string& address) {
  return {.name = name,
          .id = HostId{id},
          .address = address,
          .incarnation = Incarnation{1},
          .labels = {}};
}

LinkStatus link(std::uint32_t host, const std::string& state) {
  LinkStatus status;
  status.peer = HostId{host};
  status.state = state;
  return status;
}

class Members : public ::testing::Test {
 protected:
  Members() {
    config.host = "b";
    config.hosts = {{.name = "a", .id = 1, .address = "x:1"},
                    {.name = "b", .id = 2, .address = "x:2"}};
    config.host_rules = {{.name = "c", .id = 0, .address = {}, .uid_map = {{0, 0}}}};
  }
  Config config;
};

TEST_F(Members, AreTheHostsInTheirOrderWithWhatIsSaidAboutThem) {
  const auto hosts =
      hosts_of(config, {member("a", 1, "y:1"), member("b", 2, "x:2"), member("c", 3, "x:3")}, {});
  ASSERT_EQ(hosts.size(), 3U);
  EXPECT_EQ(hosts[0].address, "y:1");
  EXPECT_EQ(hosts[2].uid_map.at(0), 0U);
  EXPECT_EQ(hosts[0].uid_map.at(0), kNobody);
}

TEST_F(Members, WhoHasLeftStaysWhileThereIsASession) {
  const std::vector<Member> alone{member("b", 2, "x:2")};
  EXPECT_EQ(hosts_of(config, alone, {link(1, "established")}).size(), 2U);
  EXPECT_EQ(hosts_of(config, alone, {link(1, "suspended")}).size(), 2U);
  EXPECT_EQ(hosts_of(config, alone, {link(1, "connecting")}).size(), 1U);
  EXPECT_EQ(hosts_of(config, alone, {}).size(), 1U);
}

TEST_F(Members, WhoHasLeftMakesRoomForAMemberAtItsAddress) {
  const auto hosts =
      hosts_of(config, {member("b", 2, "x:2"), member("d", 4, "x:1")}, {link(1, "established")});
  ASSERT_EQ(hosts.size(), 2U);
  EXPECT_EQ(hosts[1].name, "d");
}

TEST_F(Members, ThisHostIsAlwaysThere) {
  const auto hosts = hosts_of(config, {member("a", 1, "x:1")}, {});
  ASSERT_EQ(hosts.size(), 2U);
  EXPECT_EQ(hosts[1].name, "b");
}

}  // namespace
}  // namespace netbinder
