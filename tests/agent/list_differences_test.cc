// SPDX-License-Identifier: Apache-2.0
//
// Tests what is logged about lists of hosts with different numbers.
#include "node-agent/list_differences.h"

#include <gtest/gtest.h>

namespace netbinder {
namespace {

constexpr HostId kPeer{2};

TEST(ListDifferences, EachIsSaidOnce) {
  ListDifferences differences;
  EXPECT_EQ(
      differences.line(kPeer, "beta", ListNumber{3}, ListNumber{4}),
      "host beta has list 4 of hosts, and this host list 3: this host's is the older one, and "
      "its programs become managers of no context of the cluster until it has the newer list");
  EXPECT_FALSE(differences.line(kPeer, "beta", ListNumber{3}, ListNumber{4}));
  EXPECT_FALSE(differences.line(kPeer, "beta", ListNumber{3}, {})) << "it is away";
  EXPECT_FALSE(differences.line(kPeer, "beta", ListNumber{3}, ListNumber{4}));
  EXPECT_EQ(
      differences.line(kPeer, "beta", ListNumber{5}, ListNumber{4}),
      "host beta has list 4 of hosts, and this host list 5: that host's is the older one, and "
      "its programs become managers of no context of the cluster until it has the newer list");
  EXPECT_TRUE(differences.line(HostId{3}, "gamma", ListNumber{5}, ListNumber{4}));
  EXPECT_FALSE(differences.line(kPeer, "beta", ListNumber{5}, ListNumber{5}));
  EXPECT_TRUE(differences.line(kPeer, "beta", ListNumber{5}, ListNumber{4})) << "anew";
}

TEST(ListDifferences, ListsWithoutNumbersAreNotCompared) {
  ListDifferences differences;
  EXPECT_FALSE(differences.line(kPeer, "beta", {}, ListNumber{4}));
  EXPECT_FALSE(differences.line(kPeer, "beta", ListNumber{4}, {}));
  EXPECT_FALSE(differences.line(kPeer, "beta", {}, {}));
}

}  // namespace
}  // namespace netbinder
