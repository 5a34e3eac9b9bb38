// SPDX-License-Identifier: Apache-2.0
#include "membership/etcd/directory.h"

#include <gtest/gtest.h>

namespace netbinder::etcd {
namespace {

KeyValue host(const std::string& name, std::uint32_t id, const std::string& address,
              std::int64_t revision) {
  return {.key = "/p/hosts/" + name,
          .value = to_value(Member{.name = name,
                                   .id = HostId{id},
                                   .address = address,
                                   .incarnation = Incarnation{5},
                                   .labels = {}}),
          .create_revision = revision,
          .mod_revision = revision,
          .lease = 1};
}

std::vector<std::string> names(const Directory& directory) {
  std::vector<std::string> names;
  for (const Member& member : directory.members()) names.push_back(member.name);
  return names;
}

using Words = std::vector<std::string>;

TEST(Directory, MembersAreInTheOrderOfTheirNumbers) {
  Directory directory("/p", Reachable::kLoopbackOnly);
  directory.reset({host("x", 3, "127.0.0.1:3", 10), host("y", 1, "127.0.0.1:1", 11)});
  EXPECT_EQ(names(directory), (Words{"y", "x"}));
}

TEST(Directory, ANumberIsItsFirstOwnersAndAnAddressItsLastOnes) {
  Directory directory("/p", Reachable::kLoopbackOnly);
  directory.reset({host("late", 1, "127.0.0.1:3", 12), host("early", 1, "127.0.0.1:1", 11)});
  EXPECT_EQ(names(directory), Words{"early"});
  directory.reset({host("new", 2, "127.0.0.1:1", 12), host("old", 1, "127.0.0.1:1", 11)});
  EXPECT_EQ(names(directory), Words{"new"});
}

TEST(Directory, TheWatchDoesNotUndoWhatIsKnownToBeLater) {
  Directory directory("/p", Reachable::kLoopbackOnly);
  directory.apply_own({.deleted = false, .key_value = host("x", 3, "127.0.0.1:3", 20)});
  directory.apply(
      {.deleted = true, .key_value = {.key = "/p/hosts/x", .value = {}, .mod_revision = 19}});
  EXPECT_EQ(names(directory), Words{"x"});
  directory.apply({.deleted = false, .key_value = host("x", 3, "127.0.0.1:3", 20)});
  directory.apply(
      {.deleted = true, .key_value = {.key = "/p/hosts/x", .value = {}, .mod_revision = 21}});
  EXPECT_EQ(names(directory), Words{});
}

TEST(Directory, TheNextNumberIsAboveAllThatWereGiven) {
  Directory directory("/p", Reachable::kLoopbackOnly);
  EXPECT_EQ(directory.next_id(), HostId{1});
  directory.reset({{.key = "/p/next_id", .value = "5", .create_revision = 1, .mod_revision = 8},
                   {.key = "/p/ids/x", .value = "9"}});
  EXPECT_EQ(directory.next_id(), HostId{10});
  EXPECT_EQ(directory.next_id_revision(), 8);
  EXPECT_EQ(directory.id("x"), HostId{9});
  EXPECT_EQ(directory.name_of(HostId{9}), "x");
}

TEST(Directory, AddressesBeyondLoopbackNeedLeave) {
  Directory alone("/p", Reachable::kLoopbackOnly);
  alone.reset({host("x", 3, "10.0.0.1:3", 10)});
  EXPECT_EQ(names(alone), Words{});
  Directory everywhere("/p", Reachable::kEverywhere);
  everywhere.reset({host("x", 3, "10.0.0.1:3", 10), host("y", 4, "nonsense", 11)});
  EXPECT_EQ(names(everywhere), Words{"x"});
}

TEST(Directory, OneHostTooManyIsLeftOut) {
  Directory directory("/p", Reachable::kLoopbackOnly);
  for (std::uint32_t i = 1; i <= Directory::kMaxHosts + 1; ++i) {
    directory.apply(
        {.deleted = false,
         .key_value = host("h" + std::to_string(i), i, "127.0.0.1:" + std::to_string(i), i)});
  }
  EXPECT_EQ(directory.members().size(), Directory::kMaxHosts);
  EXPECT_EQ(directory.members().back().id, HostId{1024});
}

TEST(Directory, KeysOfOthersAreNothing) {
  Directory directory("/p", Reachable::kLoopbackOnly);
  KeyValue other = host("x", 3, "127.0.0.1:3", 10);
  other.key = "/q/hosts/x";
  directory.reset({other, {.key = "", .value = ""}, {.key = "/p/hosts/", .value = "{}"}});
  EXPECT_EQ(names(directory), Words{});
}

}  // namespace
}  // namespace netbinder::etcd
