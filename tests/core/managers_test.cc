// SPDX-License-Identifier: Apache-2.0
//
// The manager of a context, on one host and when hosts lose each other.
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>

#include "core/view/debug_view.h"
#include "tests/core/manager_claims.h"

namespace netbinder::testing {
namespace {

// How BINDER_SET_CONTEXT_MGR ends.
int claim(Cluster& cluster, Program& program) {
  begin_claim(program);
  cluster.settle();
  return program.outcome(1).error;
}

void connect(Cluster& cluster, std::uint32_t a, std::uint32_t b) {
  for (const auto& [here, there] : {std::pair(a, b), std::pair(b, a)}) {
    cluster.host(here).driver.peer_connected(HostId{there}, Incarnation{there * 1000},
                                             "host" + std::to_string(there));
  }
  cluster.settle();
}

AccessRules deny_user(std::uint32_t uid, std::optional<HostId> host = {}) {
  AccessRules rules;
  rules.add({Who::user(uid, host)}, {.permission = Permission::kDenied, .rule = 4});
  return rules;
}

TEST(ManagePolicy, DeniesTheIoctlAsSELinuxDoes) {
  Cluster cluster;
  Driver& driver = cluster.host(1).driver;
  driver.set_manage_rules("binder", deny_user(1000));
  Program denied(cluster.host(1), 100, "binder", 64 * 1024, 1000);
  EXPECT_EQ(claim(cluster, denied), -EPERM);
  ASSERT_EQ(cluster.host(1).denials.size(), 1U);
  EXPECT_STREQ(cluster.host(1).denials[0].action, "manage");
  EXPECT_EQ(cluster.host(1).denials[0].context, "binder");
  const auto failures = driver.failed_log(Viewer::everything());
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures[0].from_pid, 100);
  EXPECT_EQ(failures[0].failed_error, -EPERM);
  EXPECT_EQ(failures[0].rule, 4U);
  Program allowed(cluster.host(1), 101, "binder", 64 * 1024, 1001);
  EXPECT_EQ(claim(cluster, allowed), 0);
}

// The arbiter's policy holds for claims of other hosts, by who their users are there; and each
// host's own for the managers that others announce.
TEST(ManagePolicy, HoldsForOtherHosts) {
  Cluster cluster(3);
  DriverSetup users;
  users.uid_maps[HostId{2}].add(7, 2000);
  cluster.host(1).driver.change(users);
  cluster.host(1).driver.set_manage_rules("binder", deny_user(2000, HostId{2}));
  {
    Program denied(cluster.host(2), 100, "binder", 64 * 1024, 7);
    EXPECT_EQ(claim(cluster, denied), -EPERM);
    EXPECT_EQ(cluster.host(1).denials.at(0).host, HostId{2});
    EXPECT_EQ(cluster.host(1).denials.at(0).uid, 2000U);
  }
  cluster.host(3).driver.set_manage_rules("binder", deny_user(1000, HostId{2}));
  Program manager(cluster.host(2), 101, "binder", 64 * 1024, 1000);
  EXPECT_EQ(claim(cluster, manager), 0);
  EXPECT_NE(manager_at(cluster, 1), "none");
  EXPECT_EQ(manager_at(cluster, 3), "none") << "this host does not take it";
  EXPECT_EQ(cluster.host(3).denials.at(0).uid, 1000U);
}

// Root of another host is who this host says, and its context agrees.
TEST(Users, OfAnotherHostAreMapped) {
  Cluster cluster(2);
  DriverSetup setup;
  UidMap& users = setup.uid_maps[HostId{2}];
  users.add(0, 65534);
  users.add(1000, 2000);
  cluster.host(1).driver.change(setup);
  Program manager(cluster.host(1), 100, "binder", 64 * 1024);
  manager.greet(1);
  flat_binder_object object{};
  object.flags = FLAT_BINDER_FLAG_TXN_SECURITY_CTX;
  ASSERT_EQ(manager.control(1, BINDER_SET_CONTEXT_MGR_EXT, &object), 0);
  manager.enter_looper(1);
  cluster.settle();
  for (const auto& [there, here] :
       {std::pair(0U, 65534U), std::pair(1000U, 2000U), std::pair(7U, 7U)}) {
    Program caller(cluster.host(2), 200, "binder", 64 * 1024, there,
                   "u:r:uid_" + std::to_string(there) + ":s0");
    caller.greet(1);
    const Payload payload("who am I?");
    caller.start(1, Commands().put(BC_TRANSACTION, payload.call(0, 7, TF_ONE_WAY)), true);
    cluster.settle();
    const Outcome outcome = manager.read_now(1);
    const auto* told = outcome.find(BR_TRANSACTION_SEC_CTX);
    ASSERT_NE(told, nullptr);
    const auto data = told->as<binder_transaction_data_secctx>();
    EXPECT_EQ(data.transaction_data.sender_euid, here);
    EXPECT_EQ(reinterpret_cast<const char*>(manager.at(data.secctx)),
              "u:r:uid_" + std::to_string(here) + ":s0@host2");
    manager.write(1, Commands().put(BC_FREE_BUFFER, data.transaction_data.data.ptr.buffer));
  }
}

// As the agent of a whole machine has it by default.
TEST(Managers, ABuiltinOneThatDoesNotYieldStays) {
  for (const bool yields : {true, false}) {
    Cluster cluster;
    Driver& driver = cluster.host(1).driver;
    const std::string name = yields ? "yields" : "stays";
    ASSERT_EQ(driver.add_context({.name = name, .cluster_wide = false, .builtin_yields = yields}),
              0);
    Program builtin(cluster.host(1), 100, name);
    driver.set_builtin_manager(builtin.id(), 0x1000, 0x10000);
    Program program(cluster.host(1), 101, name);
    program.greet(1);
    EXPECT_EQ(claim(cluster, program), yields ? 0 : -EBUSY);
  }
}

// The arbiter grants other hosts' programs what it grants its own; and each host keeps its built-in
// manager, whoever else has been granted the context.
TEST(Managers, ABuiltinOneThatDoesNotYieldStaysForOtherHostsToo) {
  for (const std::size_t stays : {1U, 3U}) {
    Cluster cluster(3);
    std::vector<std::unique_ptr<Program>> builtins;
    for (const std::size_t host : {1U, 2U, 3U}) {
      Driver& driver = cluster.host(host).driver;
      ASSERT_EQ(driver.add_context(
                    {.name = "shared", .cluster_wide = true, .builtin_yields = host != stays}),
                0);
      builtins.push_back(std::make_unique<Program>(cluster.host(host), 100, "shared"));
      driver.set_builtin_manager(builtins.back()->id(), 0x1000, 0x10000);
    }
    cluster.settle();
    Program program(cluster.host(2), 101, "shared");
    program.greet(1);
    EXPECT_EQ(claim(cluster, program), stays == 1 ? -EBUSY : 0);
    const auto shared = [&](std::size_t host) {
      return cluster.host(host).driver.contexts().back().manager;
    };
    EXPECT_EQ(shared(1), stays == 1 ? "builtin" : "host host2");
    EXPECT_EQ(shared(2), stays == 1 ? "builtin" : "pid 101");
    EXPECT_EQ(shared(3), "builtin");
  }
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

// The program's one node, as the state file shows it.
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
  begin_claim(doomed);
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
  EXPECT_EQ(manager_at(cluster, 1), "host host2");
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
  EXPECT_EQ(manager_at(cluster, 2), "host host3");
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

// Connects two hosts without delivering anything between them yet.
void meet(Cluster& cluster, std::uint32_t a, std::uint32_t b) {
  for (const auto& [here, there] : {std::pair(a, b), std::pair(b, a)}) {
    cluster.host(here).driver.peer_connected(HostId{there}, Incarnation{there * 1000},
                                             "host" + std::to_string(there));
  }
}

TEST(Managers, ARenewedClaimIsKnownToThoseWhoHeardOfAnotherMeanwhile) {
  Cluster cluster(3);
  Program manager(cluster.host(2), 100);
  EXPECT_EQ(claim(cluster, manager), 0);
  cluster.disconnect(1, 2);
  cluster.settle();
  {
    Program brief(cluster.host(1), 200);
    EXPECT_EQ(claim(cluster, brief), 0);
    EXPECT_EQ(manager_at(cluster, 3), "host host1") << "the latest that was granted";
  }
  cluster.settle();
  EXPECT_EQ(manager_at(cluster, 3), "host host2") << "which has never gone";
  connect(cluster, 1, 2);
  EXPECT_EQ(manager_at(cluster, 1), "host host2");
  EXPECT_EQ(manager_at(cluster, 2), "pid 100");
  EXPECT_EQ(manager_at(cluster, 3), "host host2");
  Program other(cluster.host(3), 300);
  EXPECT_EQ(claim(cluster, other), -EBUSY);
}

TEST(Managers, OneThatIsHeardOfLateDoesNotEraseALaterOne) {
  Cluster cluster(3);
  // Messages of host 1 do not reach host 3 for a while.
  const auto settle_but_1_to_3 = [&] {
    bool any = true;
    while (any) {
      any = false;
      for (const auto& [from, to] : {std::pair(1, 2), {2, 1}, {2, 3}, {3, 2}, {3, 1}}) {
        while (cluster.deliver_one(from, to)) any = true;
      }
    }
  };
  const auto become = [&](Program& program) {
    begin_claim(program);
    settle_but_1_to_3();
    return program.outcome(1).error;
  };
  {
    Program brief(cluster.host(1), 100);
    EXPECT_EQ(become(brief), 0);
  }
  settle_but_1_to_3();
  Program later(cluster.host(2), 200);
  EXPECT_EQ(become(later), 0);
  cluster.settle();
  EXPECT_EQ(manager_at(cluster, 1), "host host2");
  EXPECT_EQ(manager_at(cluster, 3), "host host2");
}

TEST(Managers, AManagerThatWasDeposedIsGoneForOthersAndHearsOfIt) {
  Cluster cluster(3);
  Program former(cluster.host(2), 100);
  EXPECT_EQ(claim(cluster, former), 0);
  Program client(cluster.host(3), 300);
  client.greet(1);
  client.write(1, Commands()
                      .put(BC_ACQUIRE, std::uint32_t{0})
                      .put(BC_REQUEST_DEATH_NOTIFICATION,
                           binder_handle_cookie{.handle = 0, .cookie = 0x77}));
  former.greet(2);
  former.write(2, Commands().put(BC_ENTER_LOOPER));
  former.start(2, {}, true);
  cluster.disconnect(1, 2);
  cluster.settle();
  Program later(cluster.host(1), 200);
  EXPECT_EQ(claim(cluster, later), 0);
  EXPECT_TRUE(former.blocked(2));
  // The announcements of both are on their way to host 3 at once.
  cluster.disconnect(2, 3);
  meet(cluster, 2, 3);
  meet(cluster, 1, 2);
  cluster.settle();
  for (const std::size_t host : {2, 3}) EXPECT_EQ(manager_at(cluster, host), "host host1");
  EXPECT_EQ(manager_at(cluster, 1), "pid 200");
  const Outcome read = former.outcome(2);
  ASSERT_NE(read.find(BR_ERROR), nullptr);
  EXPECT_EQ(read.find(BR_ERROR)->as<std::int32_t>(), -ESTALE);
  EXPECT_NE(client.read_now(1).find(BR_DEAD_BINDER), nullptr);
}

// Host 3 never loses a session: it hears of the end of a manager that lives.
TEST(Managers, ADeposedManagersNodeDiesForHostsThatStayConnected) {
  Cluster cluster(3);
  Program former(cluster.host(2), 100);
  EXPECT_EQ(claim(cluster, former), 0);
  Program client(cluster.host(3), 300);
  client.greet(1);
  client.write(1, Commands()
                      .put(BC_ACQUIRE, std::uint32_t{0})
                      .put(BC_REQUEST_DEATH_NOTIFICATION,
                           binder_handle_cookie{.handle = 0, .cookie = 0x77}));
  cluster.settle();
  cluster.disconnect(1, 2);
  cluster.settle();
  Program later(cluster.host(1), 200);
  EXPECT_EQ(claim(cluster, later), 0);
  cluster.settle();
  EXPECT_EQ(client.read_now(1).find(BR_DEAD_BINDER), nullptr);
  meet(cluster, 1, 2);
  cluster.settle();
  EXPECT_NE(client.read_now(1).find(BR_DEAD_BINDER), nullptr);
}

// A call that was sent to the former manager, before its end was read of, does not reach the node
// by its old number, though it manages again and host 3 has been given it anew.
TEST(Managers, ADeposedManagersNodeIsAnotherOneIfItIsGivenAway) {
  Cluster cluster(3);
  Program former(cluster.host(2), 100);
  EXPECT_EQ(claim(cluster, former), 0);
  Program client(cluster.host(3), 300);
  client.greet(1);
  cluster.disconnect(1, 2);
  Program later(cluster.host(1), 200);
  begin_claim(later);
  EXPECT_EQ(later.outcome(1).error, 0) << "host 1 decides";
  meet(cluster, 1, 2);
  while (cluster.deliver_one(2, 1) || cluster.deliver_one(1, 2)) {
  }
  ASSERT_NE(cluster.next(2, 3), nullptr) << "the former one has died";
  client.start(1, Commands().put(BC_TRANSACTION, Payload("x").call(0, 1)), true);
  ASSERT_NE(cluster.next(3, 2), nullptr) << "host 3 has not heard of that";
  later.close();
  while (cluster.deliver_one(1, 2)) {
  }
  begin_claim(former);
  while (cluster.deliver_one(2, 1) || cluster.deliver_one(1, 2)) {
  }
  EXPECT_EQ(former.outcome(1).error, 0);
  cluster.settle();
  EXPECT_NE(client.outcome(1).find(BR_DEAD_REPLY), nullptr);
  EXPECT_EQ(manager_at(cluster, 3), "host host2");
  for (std::size_t host = 1; host <= 3; ++host) EXPECT_TRUE(cluster.host(host).given_up.empty());
}

TEST(Managers, OnlyTheAnswerToTheLastClaimCounts) {
  Cluster cluster(2);
  Program holder(cluster.host(1), 100);
  EXPECT_EQ(claim(cluster, holder), 0);
  holder.close();
  cluster.settle();
  // The first claimant goes while its claim is under way, the second comes.
  auto first = std::make_unique<Program>(cluster.host(2), 200);
  begin_claim(*first);
  ASSERT_TRUE(cluster.deliver_one(2, 1));
  first->close();
  Program second(cluster.host(2), 201);
  begin_claim(second);
  ASSERT_TRUE(cluster.deliver_one(1, 2)) << "the first one's grant";
  EXPECT_TRUE(second.blocked(1)) << "is not the second one's";
  cluster.settle();
  EXPECT_EQ(second.outcome(1).error, 0);
  EXPECT_EQ(manager_at(cluster, 1), "host host2");
}

// Nothing holds the node but the announcement, twice.
TEST(Managers, ABuiltinManagerMayBeAnnouncedAgain) {
  Cluster cluster(2);
  const peer::ServiceManager announced{
      .context = "binder",
      .node = {
          .node = {.host = HostId{2}, .incarnation = Incarnation{2000}, .number = NodeNumber{7}},
          .strong = true,
          .handoff = {},
          .dead = false}};
  for (int i = 0; i < 3; ++i) {
    cluster.host(1).driver.message_arrived(HostId{2}, announced);
    cluster.host(1).driver.check_invariants();
    EXPECT_EQ(cluster.host(1).driver.counts().nodes, 1U);
  }
  cluster.disconnect(1, 2);
  EXPECT_EQ(cluster.host(1).driver.counts().nodes, 0U);
}

// A manager on host 2 that nobody has granted.
TEST(Managers, AnAnnouncementIsNoClaim) {
  Cluster cluster(3);
  Program liar(cluster.host(2), 100);
  liar.greet(1);
  Program victim(cluster.host(3), 300);
  victim.greet(1);
  cluster.host(3).driver.message_arrived(
      HostId{2}, peer::ContextManager{.context = "binder",
                                      .node = {.node = {.host = HostId{2},
                                                        .incarnation = Incarnation{2000},
                                                        .number = NodeNumber{1}},
                                               .strong = true,
                                               .handoff = {},
                                               .dead = false}});
  EXPECT_EQ(manager_at(cluster, 3), "none");
  // Nor does it help that it says so itself.
  cluster.host(3).driver.message_arrived(HostId{2},
                                         peer::ContextHolder{.context = "binder",
                                                             .holder = HostId{2},
                                                             .incarnation = Incarnation{2000},
                                                             .holds = true});
  EXPECT_EQ(manager_at(cluster, 3), "none");
}

}  // namespace
}  // namespace netbinder::testing
