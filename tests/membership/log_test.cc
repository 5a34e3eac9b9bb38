// SPDX-License-Identifier: Apache-2.0
//
// The log of a host's membership at debug and trace.
#include <gtest/gtest.h>

#include "tests/membership/fake_etcd.h"
#include "tests/transport/captured_log.h"

namespace netbinder::testing {
namespace {

TEST(MembershipLog, TellsHowAHostJoinsAndLeaves) {
  const CapturedLog log("membership");
  World world;
  FakeHost& a = world.host("a");
  world.settle();
  EXPECT_TRUE(log.has(" is asked\n"));
  EXPECT_TRUE(log.has("etcd: this host has lease 1b58, for 10 s\n"));
  EXPECT_TRUE(log.has("etcd: 0 keys at revision 1, watched from there on\n"));
  EXPECT_TRUE(log.has(": /v3/lease/grant\n"));
  EXPECT_TRUE(log.has("is answered after 0 ms: HTTP 200\n"));
  world.host("b");
  world.settle();
  EXPECT_TRUE(log.has(" changes of keys, up to revision "));
  a.member.leave([] {});
  world.settle();
  EXPECT_TRUE(log.has("etcd: this host leaves\n"));
}

TEST(MembershipLog, TellsWhenEtcdIsTriedAgain) {
  World world;
  world.host("a");
  world.settle();
  const CapturedLog log("membership");
  world.etcd.down = true;
  world.run_ms(60'000);
  EXPECT_TRUE(log.has(" is tried in "));
  world.etcd.down = false;
  world.run_ms(60'000);
  EXPECT_TRUE(log.has("watched from there on\n"));
}

}  // namespace
}  // namespace netbinder::testing
