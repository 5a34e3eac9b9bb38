// SPDX-License-Identifier: Apache-2.0
//
// Which process is the manager of a context, on one host and when hosts lose each other.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {
namespace {

// How BINDER_SET_CONTEXT_MGR ends.
int claim(Cluster& cluster, Program& program) {
  std::int32_t unused = 0;
  program.host().driver.control(program.id(), ThreadId{1}, BINDER_SET_CONTEXT_MGR,
                                {reinterpret_cast<std::byte*>(&unused), sizeof unused});
  cluster.settle();
  return program.outcome(1).error;
}

void connect(Cluster& cluster, std::uint32_t a, std::uint32_t b) {
  for (const auto& [here, there] : {std::pair(a, b), std::pair(b, a)}) {
    cluster.host(here).driver.peer_connected(HostId{there}, Incarnation{there * 1000}, "again");
  }
  cluster.settle();
}

std::string manager_at(Cluster& cluster, std::size_t host) {
  return cluster.host(host).driver.contexts().front().manager;
}

TEST(Managers, AfterAManagerOnlyItsUserCanBeOne) {
  Cluster cluster;
  {
    Program first(cluster.host(1), 100);
    EXPECT_EQ(claim(cluster, first), 0);
  }
  Program stranger(cluster.host(1), 200, "binder", 4096, 1001);
  EXPECT_EQ(claim(cluster, stranger), -EPERM);
  Program second(cluster.host(1), 300);
  EXPECT_EQ(claim(cluster, second), 0);
  EXPECT_EQ(claim(cluster, stranger), -EBUSY);
}

// What the state file shows of its one node.
NodeView node_of(Program& program) {
  for (const ProcessDebugView& process : program.host().driver.debug_state().processes) {
    if (process.id == program.id()) return process.nodes.at(0);
  }
  throw std::logic_error("no such process");
}

TEST(Managers, OneWhoseNodeWasAnnouncedBeforeStillHasToAcknowledgeIt) {
  Cluster cluster;
  std::optional<Program> first(std::in_place, cluster.host(1), 100);
  ASSERT_EQ(claim(cluster, *first), 0);
  Program second(cluster.host(1), 200);
  second.greet(1);
  Payload introduction;
  introduction.add(binder_object(0x10, 0x20));
  second.start(1, Commands().put(BC_TRANSACTION, introduction.call(0, 1, TF_ONE_WAY)), true);
  EXPECT_EQ(second.outcome(1).names(),
            (std::vector<std::string>{"BR_INCREFS", "BR_ACQUIRE", "BR_TRANSACTION_COMPLETE"}));
  first.reset();
  flat_binder_object object = binder_object(0x10, 0x20);
  ASSERT_EQ(second.control(1, BINDER_SET_CONTEXT_MGR_EXT, &object), 0);
  const NodeView announced = node_of(second);
  const binder_ptr_cookie it{.ptr = 0x10, .cookie = 0x20};
  second.write(1, Commands().put(BC_INCREFS_DONE, it).put(BC_ACQUIRE_DONE, it));
  EXPECT_EQ(node_of(second).local_strong, announced.local_strong - 1);
  EXPECT_EQ(node_of(second).local_weak, announced.local_weak - 1);
}

TEST(Managers, OneThatEndsBeforeItIsGrantedKeepsNobodyOut) {
  Cluster cluster(3);
  Program doomed(cluster.host(2), 100);
  std::int32_t unused = 0;
  cluster.host(2).driver.control(doomed.id(), ThreadId{1}, BINDER_SET_CONTEXT_MGR,
                                 {reinterpret_cast<std::byte*>(&unused), sizeof unused});
  doomed.close();
  cluster.settle();
  Program next(cluster.host(3), 200);
  EXPECT_EQ(claim(cluster, next), 0);
}

TEST(Managers, OneWhoseHostWasAwayIsManagerAgainWhenNobodyElseIs) {
  Cluster cluster(3);
  Program manager(cluster.host(2), 100);
  EXPECT_EQ(claim(cluster, manager), 0);
  cluster.disconnect(1, 2);
  cluster.settle();
  EXPECT_EQ(manager_at(cluster, 1), "none");
  EXPECT_NE(manager_at(cluster, 3), "none") << "who has not lost it goes on";
  connect(cluster, 1, 2);
  EXPECT_EQ(manager_at(cluster, 1), "host again");
  EXPECT_EQ(manager_at(cluster, 2), "pid 100");
  Program other(cluster.host(3), 200);
  EXPECT_EQ(claim(cluster, other), -EBUSY);
}

TEST(Managers, OneWhoseHostWasAwayGivesWayToTheOneOfMeanwhile) {
  Cluster cluster(3);
  Program former(cluster.host(2), 100);
  EXPECT_EQ(claim(cluster, former), 0);
  cluster.disconnect(1, 2);
  cluster.disconnect(2, 3);
  cluster.settle();
  EXPECT_EQ(manager_at(cluster, 2), "pid 100") << "for those it has left";
  Program later(cluster.host(3), 200);
  EXPECT_EQ(claim(cluster, later), 0);
  connect(cluster, 2, 3);
  EXPECT_EQ(manager_at(cluster, 3), "pid 200") << "the former one is announced when it is granted";
  connect(cluster, 1, 2);
  EXPECT_EQ(manager_at(cluster, 1), "host host3");
  EXPECT_EQ(manager_at(cluster, 2), "host again");
  EXPECT_EQ(manager_at(cluster, 3), "pid 200");

  Program client(cluster.host(2), 300);
  client.greet(1);
  later.greet(2);
  later.write(2, Commands().put(BC_ENTER_LOOPER));
  later.start(2, {}, true);
  client.start(1, Commands().put(BC_TRANSACTION, Payload("x").call(0, 5)), true);
  cluster.settle();
  EXPECT_NE(later.outcome(2).find(BR_TRANSACTION), nullptr);
  former.close();
  cluster.settle();
  EXPECT_EQ(manager_at(cluster, 1), "host host3") << "its end is not the other one's";
}

}  // namespace
}  // namespace netbinder::testing
