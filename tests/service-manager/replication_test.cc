// SPDX-License-Identifier: Apache-2.0
//
// Names on several hosts: found from everywhere, nearest first, gone with their host.
#include "tests/service-manager/service_client.h"

namespace netbinder::testing {
namespace {

// Tells the program that serves a handle which of the servers it is.
bool reaches(ServiceClient& client, std::uint32_t handle, ServiceClient& server) {
  client.send(handle, 9, Request().i32(77));
  const auto call = server.incoming();
  return call && call->target == kNode && call->code == 9;
}

class Replication : public ::testing::TestWithParam<std::size_t> {
 protected:
  Replication() {
    for (std::size_t host = 1; host <= GetParam(); ++host) {
      before_.push_back(cluster_.host(host).driver.counts());
      programs_.push_back(std::make_unique<ServiceClient>(
          cluster_, host, static_cast<std::int32_t>(host * 100), android("Android14")));
    }
  }
  void TearDown() override {
    programs_.clear();
    cluster_.settle();
    for (std::size_t host = 1; host <= GetParam(); ++host) {
      const Driver::Counts after = cluster_.host(host).driver.counts();
      const Driver::Counts& before = before_[host - 1];
      EXPECT_TRUE(cluster_.manager(host).services().empty()) << host;
      EXPECT_EQ(after.processes, before.processes) << host;
      EXPECT_EQ(after.nodes, before.nodes) << host;
      EXPECT_EQ(after.refs, before.refs) << host;
      EXPECT_EQ(after.transactions, before.transactions) << host;
      EXPECT_EQ(after.deaths, before.deaths) << host;
      EXPECT_EQ(after.buffers, before.buffers) << host;
    }
  }
  ServiceClient& on(std::size_t host) { return *programs_.at(host - 1); }

  ManagedCluster cluster_{GetParam()};
  std::vector<Driver::Counts> before_;
  std::vector<std::unique_ptr<ServiceClient>> programs_;
};

INSTANTIATE_TEST_SUITE_P(Hosts, Replication, ::testing::Values(2, 3),
                         [](const auto& tested) { return std::to_string(tested.param) + "Hosts"; });

TEST_P(Replication, AServiceIsFoundOnEveryHostAndCallsReachItsHome) {
  EXPECT_EQ(on(2).add("hello", kNode), 0);
  for (std::size_t host = 1; host <= GetParam(); ++host) {
    if (host == 2) continue;
    const auto handle = on(host).check("hello");
    ASSERT_TRUE(handle) << host;
    EXPECT_TRUE(reaches(on(host), *handle, on(2))) << host;
    auto names = on(host).list();
    std::erase(names, "manager");
    EXPECT_EQ(names, std::vector<std::string>{"hello"});
  }
}

TEST_P(Replication, AManagersOtherNameLeadsToThatManagerEverywhere) {
  const auto& version = android("Android14");
  Request request = on(2).request().string16("other").manager_itself(version);
  EXPECT_EQ(on(2).call(version.add, request.i32(0).i32(8)).i32(), 0);
  EXPECT_EQ(on(2).add("only.here", kNode), 0);
  const auto manager = on(1).check("other");
  ASSERT_TRUE(manager);
  // Host 2's manager answers with the service nearest to host 2.
  EXPECT_EQ(on(1).add("both", kNode), 0);
  EXPECT_EQ(on(2).add("both", kNode), 0);
  Received reply = on(1).call(version.check, on(1).request().string16("both"), *manager);
  EXPECT_EQ(reply.i32(), 0);
  const auto both = reply.handle();
  ASSERT_TRUE(both);
  EXPECT_TRUE(reaches(on(1), *both, on(2)));
  EXPECT_EQ(on(2).add("other", kNode), 0);  // it is nobody's who ends
}

TEST_P(Replication, ANameThatIsGoneBeforeASlowHostHearsOfItIsNotAnotherServiceThere) {
  cluster_.hold(1, 2);
  EXPECT_EQ(on(1).add("first", kNode), 0);  // on its way; what comes next waits for it
  ServiceClient brief(cluster_, 1, 171, android("Android14"));
  EXPECT_EQ(brief.add("brief", kNode), 0);
  brief.die();
  ServiceClient next(cluster_, 1, 172, android("Android14"));
  EXPECT_EQ(next.add("next", kNode), 0);  // has the manager's handle that "brief" had
  cluster_.release();
  auto names = on(2).list();
  std::erase(names, "manager");
  EXPECT_EQ(names, (std::vector<std::string>{"first", "next"}));
}

TEST_P(Replication, AServiceOnTheCallersOwnHostIsPreferred) {
  for (std::size_t host = 1; host <= GetParam(); ++host) {
    EXPECT_EQ(on(host).add("hello", kNode), 0);
  }
  for (std::size_t host = 1; host <= GetParam(); ++host) {
    ServiceClient neighbour(cluster_, host, static_cast<std::int32_t>(host * 100 + 1),
                            android("Android16"));
    cluster_.manager(host).set_dialect(static_cast<std::int32_t>(host * 100 + 1), "android16");
    const auto handle = neighbour.check("hello");
    ASSERT_TRUE(handle);
    EXPECT_TRUE(reaches(neighbour, *handle, on(host))) << host;
  }
}

TEST_P(Replication, AnyHostsServiceCanBeAskedForByName) {
  for (std::size_t host = 1; host <= GetParam(); ++host) {
    EXPECT_EQ(on(host).add("hello", kNode), 0);
  }
  ServiceClient client(cluster_, 1, 150, android("Android14"));
  for (std::size_t host = 1; host <= GetParam(); ++host) {
    const auto handle = client.check("hello@host" + std::to_string(host));
    ASSERT_TRUE(handle) << host;
    EXPECT_TRUE(reaches(client, *handle, on(host))) << host;
  }
  EXPECT_EQ(client.check("hello@elsewhere"), std::nullopt);
  EXPECT_EQ(client.check("hello@"), std::nullopt);
  EXPECT_EQ(client.check("@host1"), std::nullopt);
}

TEST_P(Replication, APidIsToldOnItsOwnHostOnly) {
  EXPECT_EQ(on(2).add("hello", kNode), 0);
  for (std::size_t host = 1; host <= GetParam(); ++host) {
    Received reply = on(host).call(on(host).version().debug_info, on(host).request());
    EXPECT_EQ(reply.i32(), 0);
    EXPECT_EQ(reply.i32(), 2);  // and the manager
    EXPECT_EQ(reply.i32(), 1);
    EXPECT_EQ(reply.i32(), 4 + 4 + 12 + 4);
    EXPECT_EQ(reply.string16(), "hello");
    EXPECT_EQ(reply.i32(), host == 2 ? 200 : 0);
  }
}

TEST_P(Replication, ANameDiesOnEveryHostWithItsOwnerAndAnotherHostsTakesOver) {
  EXPECT_EQ(on(1).add("hello", kNode), 0);
  EXPECT_EQ(on(2).add("hello", kNode), 0);
  on(1).die();
  ServiceClient client(cluster_, 1, 150, android("Android14"));
  const auto handle = client.check("hello");
  ASSERT_TRUE(handle);
  EXPECT_TRUE(reaches(client, *handle, on(2)));
  on(2).die();
  EXPECT_EQ(client.check("hello"), std::nullopt);
  for (std::size_t host = 1; host <= GetParam(); ++host) {
    EXPECT_TRUE(cluster_.manager(host).services().empty()) << host;
  }
}

TEST_P(Replication, AddingANameAgainReplacesItOnEveryHost) {
  ServiceClient older(cluster_, 2, 250, android("Android14"));
  EXPECT_EQ(older.add("hello", kNode), 0);
  EXPECT_EQ(on(2).add("hello", kNode), 0);
  const auto handle = on(1).check("hello");
  ASSERT_TRUE(handle);
  EXPECT_TRUE(reaches(on(1), *handle, on(2)));
  EXPECT_FALSE(older.incoming());
}

TEST_P(Replication, AListenerHearsOfAServiceOnAnotherHost) {
  EXPECT_EQ(on(1).listen("hello", 0x2000), 0);
  EXPECT_EQ(on(2).add("hello", kNode), 0);
  auto call = on(1).incoming();
  ASSERT_TRUE(call);
  EXPECT_EQ(call->target, 0x2000U);
  EXPECT_FALSE(on(1).incoming());
}

TEST_P(Replication, TheNamesOfALostHostDisappearAndComeBackWithIt) {
  EXPECT_EQ(on(2).add("hello", kNode), 0);
  EXPECT_EQ(on(1).add("here", kNode), 0);
  for (std::size_t host = 1; host <= GetParam(); ++host) {
    if (host != 2) cluster_.disconnect(host, 2);
  }
  EXPECT_EQ(on(1).check("hello"), std::nullopt);
  EXPECT_EQ(on(2).check("here"), std::nullopt);
  ServiceClient neighbour(cluster_, 2, 250, android("Android14"));
  EXPECT_TRUE(neighbour.check("hello"));
  for (std::size_t host = 1; host <= GetParam(); ++host) {
    if (host != 2) cluster_.connect(host, 2);
  }
  const auto handle = on(1).check("hello");
  ASSERT_TRUE(handle);
  EXPECT_TRUE(reaches(on(1), *handle, on(2)));
  EXPECT_TRUE(on(2).check("here"));
}

// Names that a host has registered for objects of others do not die with these objects.
class NamesOfALostHost : public Replication {
 protected:
  static constexpr int kServices = 8;  // as one service has a bounded number of names
  static constexpr int kNames = 1200;
  // On host 2, for objects of host 1.
  void add_names() {
    for (int service = 0; service < kServices; ++service) {
      const std::string own = "service" + std::to_string(service);
      EXPECT_EQ(on(1).add(own, kNode + static_cast<std::uint64_t>(service)), 0);
      const auto handle = on(2).check(own);
      ASSERT_TRUE(handle);
      for (int i = 0; i < kNames / kServices; ++i) {
        Request request = on(2).request().string16("name-" + own + "-" + std::to_string(i));
        request.handle(on(2).version(), *handle).i32(0).i32(8);
        EXPECT_EQ(on(2).call(on(2).version().add, request).i32(), 0);
      }
    }
  }
  int names_of_host_2() {
    return static_cast<int>(
        std::ranges::count(cluster_.manager(1).services(), "host2", &ServiceView::host));
  }
};
INSTANTIATE_TEST_SUITE_P(Hosts, NamesOfALostHost, ::testing::Values(2),
                         [](const auto& tested) { return std::to_string(tested.param) + "Hosts"; });

TEST_P(NamesOfALostHost, AreForgottenInSlices) {
  add_names();
  ASSERT_EQ(names_of_host_2(), kNames);
  cluster_.cut(1, 2);
  int turns_with_some_left = 0;
  for (int turns = 0; turns < 100 && names_of_host_2() > 0; ++turns) {
    const int before = names_of_host_2();
    (void)cluster_.run_managers();
    cluster_.host(1).driver.go_on();
    EXPECT_LE(before - names_of_host_2(), 256);
    if (names_of_host_2() > 0 && names_of_host_2() < kNames) ++turns_with_some_left;
  }
  EXPECT_EQ(names_of_host_2(), 0);
  EXPECT_GE(turns_with_some_left, 1);
  cluster_.connect(1, 2);
}

TEST_P(NamesOfALostHost, StayIfTheyComeBackBeforeAllAreForgotten) {
  add_names();
  EXPECT_EQ(on(2).add("the-last-one", kNode), 0);
  cluster_.cut(1, 2);
  for (int turns = 0; turns < 100 && names_of_host_2() >= kNames; ++turns) {
    (void)cluster_.run_managers();
    cluster_.host(1).driver.go_on();
  }
  ASSERT_GT(names_of_host_2(), 512);
  cluster_.meet(1, 2);
  (void)cluster_.run_managers();
  EXPECT_EQ(names_of_host_2(), 0) << "what is published from now on would be forgotten";
  cluster_.settle();
  const auto handle = on(1).check("the-last-one");
  ASSERT_TRUE(handle);
  EXPECT_TRUE(reaches(on(1), *handle, on(2)));
  EXPECT_EQ(names_of_host_2(), 1) << "the objects of the others died with the session";
}

using ReplicationOfThree = Replication;
INSTANTIATE_TEST_SUITE_P(Hosts, ReplicationOfThree, ::testing::Values(3),
                         [](const auto& tested) { return std::to_string(tested.param) + "Hosts"; });

TEST_P(ReplicationOfThree, OtherHostsKeepTheirNamesWhenOneIsLost) {
  EXPECT_EQ(on(2).add("two", kNode), 0);
  EXPECT_EQ(on(3).add("three", kNode), 0);
  cluster_.disconnect(1, 2);
  EXPECT_EQ(on(1).check("two"), std::nullopt);
  const auto handle = on(1).check("three");
  ASSERT_TRUE(handle);
  EXPECT_TRUE(reaches(on(1), *handle, on(3)));
  cluster_.connect(1, 2);
  EXPECT_TRUE(on(1).check("two"));
}

// A name on host 2 for a binder whose home is host 1.
class NamesOfAThirdHost : public Replication {
 protected:
  // Whether a client of a host reaches host 1's program by the name.
  bool found_on(std::size_t host) {
    const auto handle = on(host).check("alias");
    return handle && reaches(on(host), *handle, on(1));
  }
  void add_alias() {
    EXPECT_EQ(on(1).add("origin", kNode), 0);
    const auto handle = on(2).check("origin");
    ASSERT_TRUE(handle);
    const Android& version = on(2).version();
    Received reply = on(2).call(
        version.add,
        on(2).request().string16("alias").handle(version, *handle).i32(0).i32(8));
    EXPECT_EQ(reply.i32(), 0);
  }
};
INSTANTIATE_TEST_SUITE_P(Hosts, NamesOfAThirdHost, ::testing::Values(3),
                         [](const auto& tested) { return std::to_string(tested.param) + "Hosts"; });

TEST_P(NamesOfAThirdHost, FollowWhatCanBeReached) {
  add_alias();
  EXPECT_TRUE(found_on(3));
  cluster_.disconnect(1, 3);
  EXPECT_EQ(on(3).check("alias"), std::nullopt) << "its home cannot be reached";
  EXPECT_TRUE(found_on(2));
  cluster_.connect(1, 3);
  EXPECT_TRUE(found_on(3));
}

TEST_P(NamesOfAThirdHost, AreKnownInWhateverOrderHostsMeet) {
  cluster_.disconnect(1, 3);
  cluster_.disconnect(2, 3);
  add_alias();
  cluster_.connect(2, 3);
  EXPECT_EQ(on(3).check("alias"), std::nullopt);
  cluster_.connect(1, 3);
  EXPECT_TRUE(found_on(3));
}

TEST_P(NamesOfAThirdHost, AreTakenBackWhereTheHomeIsLost) {
  add_alias();
  EXPECT_TRUE(found_on(3));
  cluster_.disconnect(1, 2);
  EXPECT_EQ(on(2).check("alias"), std::nullopt);
  EXPECT_EQ(on(3).check("alias"), std::nullopt) << "host 2 has it no more";
  cluster_.connect(1, 2);
}

TEST_P(Replication, AListenerHearsOfNothingThatALookupDoesNotGive) {
  EXPECT_EQ(on(1).add("hello", kNode), 0);
  EXPECT_EQ(on(1).listen("hello", 0x2000), 0);
  EXPECT_TRUE(on(1).incoming()) << "what there is";
  EXPECT_EQ(on(2).add("hello", kNode), 0);
  EXPECT_FALSE(on(1).incoming()) << "its own host's is preferred";
  cluster_.disconnect(1, 2);
  cluster_.connect(1, 2);
  EXPECT_FALSE(on(1).incoming());
}

// A host's manager that says what only another one may say: its calls are of the node that it was
// given, which is its host's.
TEST_P(Replication, AHostSpeaksForItsOwnNamesOnly) {
  EXPECT_EQ(on(1).add("hello", kNode), 0);
  EXPECT_EQ(on(2).add("mine", kNode), 0);
  Request forget;
  forget.string16("hello").i32(0).i32(0);
  const IncomingCall call{.reply_to = ThreadId{1},
                          .target = ServiceManager::kPeerNodePtr + 2,
                          .code = 6,
                          .flags = TF_ONE_WAY,
                          .sender_pid = 0,
                          .sender_euid = 0,
                          .parcel = {.data = forget.payload().data, .offsets = {}}};
  (void)cluster_.manager(1).call(call);
  cluster_.settle();
  ServiceClient client(cluster_, 1, 150, android("Android14"));
  EXPECT_TRUE(client.check("hello")) << "it is host 1's, and host 2 has none of that name";
}

TEST_P(Replication, ManyNamesComeAndGo) {
  for (int round = 0; round < 20; ++round) {
    ServiceClient server(cluster_, 2, 300, android("Android14"));
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(server.add("name" + std::to_string(i), kNode + static_cast<std::uint64_t>(i) * 16),
                0);
    }
    EXPECT_EQ(cluster_.manager(1).services().size(), 20U);
  }
  cluster_.settle();
  EXPECT_TRUE(cluster_.manager(1).services().empty());
}

}  // namespace
}  // namespace netbinder::testing
