// SPDX-License-Identifier: Apache-2.0
//
// Lazy services whose clients are on other hosts.
#include "tests/service-manager/service_client.h"

namespace netbinder::testing {
namespace {

constexpr std::uint64_t kFriend = 0x7000;

class LazyAcross : public ::testing::TestWithParam<std::size_t> {
 protected:
  LazyAcross() {
    for (std::size_t host = 1; host <= GetParam(); ++host) {
      before_.push_back(cluster_.host(host).driver.counts());
      programs_.push_back(std::make_unique<ServiceClient>(
          cluster_, host, static_cast<std::int32_t>(host * 100), android("Android14")));
    }
    EXPECT_EQ(server().add("lazy", kNode), 0);
    EXPECT_EQ(server().watch_clients("lazy", kNode, kCallback), 0);
  }
  void TearDown() override {
    programs_.clear();
    cluster_.settle();
    for (std::size_t host = 1; host <= GetParam(); ++host) {
      const Driver::Counts after = cluster_.host(host).driver.counts();
      const Driver::Counts& before = before_[host - 1];
      EXPECT_TRUE(cluster_.manager(host).services().empty()) << host;
      EXPECT_FALSE(cluster_.manager(host).needs_looks()) << host;
      EXPECT_EQ(after.processes, before.processes) << host;
      EXPECT_EQ(after.nodes, before.nodes) << host;
      EXPECT_EQ(after.refs, before.refs) << host;
      EXPECT_EQ(after.transactions, before.transactions) << host;
      EXPECT_EQ(after.deaths, before.deaths) << host;
      EXPECT_EQ(after.buffers, before.buffers) << host;
    }
  }
  ServiceClient& on(std::size_t host) { return *programs_.at(host - 1); }
  ServiceClient& server() { return on(1); }
  void look(int times) {
    for (int i = 0; i < times; ++i) cluster_.look();
  }
  // The service's next notification: whether it has clients; nothing if there is none.
  std::optional<bool> told() {
    auto call = server().incoming();
    if (!call || call->target != kCallback || call->code != 1) return std::nullopt;
    std::int32_t has_clients = 0;
    while (call->left() > 0) has_clients = call->i32();
    return has_clients == 1;
  }
  // Hands `handle` of one program to another, past the managers.
  void pass(ServiceClient& from, const flat_binder_object& object, ServiceClient& to) {
    const std::string name = "friend" + std::to_string(++friends_);
    EXPECT_EQ(to.add(name, kFriend + static_cast<std::uint64_t>(friends_) * 16), 0);
    const auto there = from.check(name);
    ASSERT_TRUE(there);
    Request parcel;
    parcel.payload().add(object);
    from.send(*there, 1, parcel);
    ASSERT_TRUE(to.incoming());
  }

  ManagedCluster cluster_{GetParam()};
  std::vector<Driver::Counts> before_;
  std::vector<std::unique_ptr<ServiceClient>> programs_;
  int friends_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Hosts, LazyAcross, ::testing::Values(2, 3),
                         [](const auto& tested) { return std::to_string(tested.param) + "Hosts"; });

TEST_P(LazyAcross, TheManagersThemselvesAreNoClients) {
  look(4);
  EXPECT_EQ(told(), std::nullopt);
}

TEST_P(LazyAcross, AClientOnAnotherHostIsToldOfAtOnceAndItsEndAfterTwoLooks) {
  for (std::size_t host = 2; host <= GetParam(); ++host) {
    const auto handle = on(host).check("lazy");
    ASSERT_TRUE(handle);
    EXPECT_EQ(told(), true) << host;
    look(5);
    EXPECT_EQ(told(), std::nullopt) << host;
    on(host).drop(*handle);
    look(1);
    EXPECT_EQ(told(), std::nullopt) << host;
    look(1);
    EXPECT_EQ(told(), false) << host;
  }
}

TEST_P(LazyAcross, AClientThatHasComeAndGoneBeforeIsToldAtRegistration) {
  EXPECT_EQ(server().add("early", kNode + 32), 0);
  const auto handle = on(2).check("early");
  ASSERT_TRUE(handle);
  on(2).drop(*handle);
  EXPECT_EQ(server().watch_clients("early", kNode + 32, kCallback), 0);
  EXPECT_EQ(told(), true);
  look(1);
  EXPECT_EQ(told(), std::nullopt);
  look(1);
  EXPECT_EQ(told(), false);
}

TEST_P(LazyAcross, TheLastClientOfAnyHostCounts) {
  std::vector<std::uint32_t> handles;
  for (std::size_t host = 1; host <= GetParam(); ++host) {
    ServiceClient& client = on(host);
    if (host == 1) continue;
    const auto handle = client.check("lazy");
    ASSERT_TRUE(handle);
    handles.push_back(*handle);
  }
  EXPECT_EQ(told(), true);
  for (std::size_t host = 2; host <= GetParam(); ++host) {
    look(3);
    EXPECT_EQ(told(), std::nullopt) << host;
    on(host).drop(handles[host - 2]);
  }
  look(2);
  EXPECT_EQ(told(), false);
}

TEST_P(LazyAcross, MayNotLeaveWhileAnotherHostHasAClient) {
  const auto handle = on(2).check("lazy");
  ASSERT_TRUE(handle);
  EXPECT_EQ(told(), true);
  EXPECT_EQ(server().try_unregister("lazy", kNode), -5);
  on(2).drop(*handle);
  look(2);
  EXPECT_EQ(told(), false);
  EXPECT_EQ(server().try_unregister("lazy", kNode), 0);
  for (std::size_t host = 1; host <= GetParam(); ++host) {
    EXPECT_TRUE(cluster_.manager(host).services().empty()) << host;
    EXPECT_EQ(on(host).check("lazy"), std::nullopt) << host;
  }
  EXPECT_EQ(server().add("lazy", kNode), 0);
  EXPECT_TRUE(on(2).check("lazy"));
}

TEST_P(LazyAcross, AClientThatGetsItWhileItIsLeavingKeepsIt) {
  // The question is on its way when a client of the other host gets the service.
  server().start_leaving("lazy", kNode);
  cluster_.run_managers();
  EXPECT_EQ(server().answer(), std::nullopt);
  ASSERT_TRUE(on(2).check("lazy"));  // and delivers everything
  EXPECT_EQ(server().answer(), -5);
  EXPECT_EQ(told(), true);
  EXPECT_TRUE(on(2).check("lazy"));
}

TEST_P(LazyAcross, AClientOfItsOwnHostThatGetsItWhileItIsLeavingKeepsIt) {
  cluster_.hold(2, 1);
  server().start_leaving("lazy", kNode);
  cluster_.settle();
  EXPECT_EQ(on(2).check("lazy"), std::nullopt);  // it has let go already
  ServiceClient neighbour(cluster_, 1, 150, android("Android14"));
  EXPECT_TRUE(neighbour.check("lazy"));
  EXPECT_EQ(server().answer(), std::nullopt);
  cluster_.release();
  EXPECT_EQ(server().answer(), -5);
  EXPECT_EQ(told(), true);
  EXPECT_TRUE(on(2).check("lazy"));
}

TEST_P(LazyAcross, AClientNoLookHasSeenKeepsItFromLeavingAndTheNameComesBack) {
  // The service hands itself to a program of another host: the managers have not heard of it.
  pass(server(), binder_object(kNode, kNode + 1), on(2));
  EXPECT_EQ(server().try_unregister("lazy", kNode), -5);
  EXPECT_EQ(told(), true);
  for (std::size_t host = 1; host <= GetParam(); ++host) {
    EXPECT_EQ(cluster_.manager(host).services().size(), 2U) << host;  // with the friend
  }
  look(5);
  EXPECT_EQ(told(), std::nullopt);
}

TEST_P(LazyAcross, ALostHostsClientsAreNone) {
  ASSERT_TRUE(on(2).check("lazy"));
  EXPECT_EQ(told(), true);
  for (std::size_t host = 1; host <= GetParam(); ++host) {
    if (host != 2) cluster_.disconnect(host, 2);
  }
  look(2);
  EXPECT_EQ(told(), false);
  EXPECT_EQ(server().try_unregister("lazy", kNode), 0);
  for (std::size_t host = 1; host <= GetParam(); ++host) {
    if (host != 2) cluster_.connect(host, 2);
  }
}

TEST_P(LazyAcross, ALeavingServiceDoesNotWaitForAHostThatIsLost) {
  server().start_leaving("lazy", kNode);
  cluster_.run_managers();
  EXPECT_EQ(server().answer(), std::nullopt);
  for (std::size_t host = 2; host <= GetParam(); ++host) cluster_.disconnect(1, host);
  EXPECT_EQ(server().answer(), 0);
  for (std::size_t host = 2; host <= GetParam(); ++host) cluster_.connect(1, host);
}

TEST_P(LazyAcross, TheManagerServesOthersWhileAServiceIsLeavingAndASilentHostRefuses) {
  cluster_.hold(2, 1);
  server().start_leaving("lazy", kNode);
  cluster_.settle();
  EXPECT_EQ(server().answer(), std::nullopt);
  ServiceClient other(cluster_, 1, 150, android("Android14"));
  EXPECT_EQ(other.add("other", kNode), 0);
  EXPECT_EQ(other.check("nobody"), std::nullopt);
  EXPECT_EQ(server().answer(), std::nullopt);
  look(2);
  EXPECT_EQ(server().answer(), -5);
  EXPECT_EQ(told(), true);
  cluster_.release();
  look(3);
  EXPECT_EQ(told(), false);
  EXPECT_TRUE(on(2).check("lazy"));
}

// The thread that answers it reads of the failure only when it serves again.
TEST_P(LazyAcross, AnAnswerThatNobodyHearsLosesNothingOfWhatIsDoneNext) {
  cluster_.hold(2, 1);
  ServiceClient brief(cluster_, 1, 150, android("Android14"));
  EXPECT_EQ(brief.add("brief", kNode), 0);
  EXPECT_EQ(brief.watch_clients("brief", kNode, kCallback), 0);
  brief.start_leaving("brief", kNode);
  cluster_.settle();
  brief.die();
  server().start_leaving("lazy", kNode);  // that thread serves meanwhile
  cluster_.settle();
  ServiceClient other(cluster_, 1, 160, android("Android14"));
  EXPECT_EQ(other.add("other", kNode), 0);
  EXPECT_EQ(other.check("nobody"), std::nullopt);
  cluster_.release();
  EXPECT_EQ(server().answer(), 0);
  for (std::size_t host = 1; host <= GetParam(); ++host) {
    EXPECT_EQ(cluster_.manager(host).services().size(), 1U) << host;
  }
}

TEST_P(LazyAcross, OneThatComesBackHearsOfTheNextClientAtOnce) {
  EXPECT_EQ(server().try_unregister("lazy", kNode), 0);
  EXPECT_EQ(server().add("lazy", kNode), 0);
  ASSERT_TRUE(on(2).check("lazy"));
  EXPECT_EQ(told(), true);
}

TEST_P(LazyAcross, ANameThatAnotherProgramTakesWhileItIsLeavingIsTheirs) {
  cluster_.hold(2, 1);
  server().start_leaving("lazy", kNode);
  cluster_.settle();
  ServiceClient other(cluster_, 1, 150, android("Android14"));
  EXPECT_EQ(other.add("lazy", kFriend), 0);
  EXPECT_EQ(server().answer(), -5);
  EXPECT_EQ(told(), std::nullopt);
  EXPECT_FALSE(cluster_.manager(1).needs_looks());
  cluster_.release();
  EXPECT_TRUE(on(2).check("lazy"));
}

TEST_P(LazyAcross, ManyLeaveAtOnceAndWhoMustWaitHearsWhen) {
  constexpr std::size_t kMany = 70;
  cluster_.hold(2, 1);
  std::vector<std::unique_ptr<ServiceClient>> many;
  for (std::size_t i = 0; i < kMany; ++i) {
    const std::string name = "many" + std::to_string(i);
    many.push_back(std::make_unique<ServiceClient>(cluster_, 1, static_cast<std::int32_t>(1000 + i),
                                                   android("Android14")));
    EXPECT_EQ(many.back()->add(name, kNode), 0);
    EXPECT_EQ(many.back()->watch_clients(name, kNode, kCallback), 0);
  }
  std::size_t refused = 0;
  for (std::size_t i = 0; i < kMany; ++i) {
    many[i]->start_leaving("many" + std::to_string(i), kNode);
    cluster_.settle();
    if (const auto answer = many[i]->answer()) {
      EXPECT_EQ(*answer, -5);
      EXPECT_TRUE(
          many[i]->incoming());  // it is told that it has clients, and later that it has none
      ++refused;
    }
  }
  EXPECT_EQ(refused, kMany - 64);
  EXPECT_TRUE(on(2).check("lazy"));
  cluster_.release();
  EXPECT_EQ(told(), true);
  for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(many[i]->answer(), 0) << i;
  look(2);
  for (std::size_t i = 64; i < kMany; ++i) {
    EXPECT_TRUE(many[i]->incoming()) << i;
    EXPECT_EQ(many[i]->try_unregister("many" + std::to_string(i), kNode), 0);
  }
}

TEST_P(LazyAcross, AServiceThatDiesWhileItIsLeavingIsForgotten) {
  cluster_.hold(2, 1);
  server().start_leaving("lazy", kNode);
  cluster_.settle();
  server().die();
  EXPECT_FALSE(cluster_.manager(1).needs_looks());
  cluster_.release();
  EXPECT_EQ(on(2).check("lazy"), std::nullopt);
}

TEST_P(LazyAcross, AHostThatConnectsLaterIsAskedToo) {
  cluster_.disconnect(1, 2);
  cluster_.connect(1, 2);
  const auto handle = on(2).check("lazy");
  ASSERT_TRUE(handle);
  look(1);
  EXPECT_EQ(told(), true);
  EXPECT_EQ(server().try_unregister("lazy", kNode), -5);
  on(2).drop(*handle);
  look(2);
  EXPECT_EQ(told(), false);
}

using LazyAcrossThree = LazyAcross;
INSTANTIATE_TEST_SUITE_P(Hosts, LazyAcrossThree, ::testing::Values(3),
                         [](const auto& tested) { return std::to_string(tested.param) + "Hosts"; });

TEST_P(LazyAcrossThree, AHostThatComesWhileItIsLeavingLetsGoOfItToo) {
  cluster_.hold(2, 1);
  server().start_leaving("lazy", kNode);
  cluster_.settle();
  cluster_.disconnect(1, 3);
  cluster_.connect(1, 3);
  EXPECT_EQ(server().answer(), std::nullopt);
  cluster_.release();
  EXPECT_EQ(server().answer(), 0);
  for (std::size_t host = 1; host <= GetParam(); ++host) {
    EXPECT_TRUE(cluster_.manager(host).services().empty()) << host;
  }
}

TEST_P(LazyAcrossThree, AHandlePassedOnBetweenOtherHostsKeepsTheService) {
  const auto handle = on(2).check("lazy");
  ASSERT_TRUE(handle);
  EXPECT_EQ(told(), true);
  pass(on(2), handle_object(*handle), on(3));
  on(2).drop(*handle);
  look(4);
  EXPECT_EQ(told(), std::nullopt);
  on(3).die();
  look(2);
  EXPECT_EQ(told(), false);
  EXPECT_EQ(server().try_unregister("lazy", kNode), 0);
}

TEST_P(LazyAcrossThree, AClientOfOneHostKeepsTheNameOnAll) {
  const auto handle = on(3).check("lazy");
  ASSERT_TRUE(handle);
  EXPECT_EQ(told(), true);
  EXPECT_EQ(server().try_unregister("lazy", kNode), -5);
  EXPECT_TRUE(on(2).check("lazy"));
}

}  // namespace
}  // namespace netbinder::testing
