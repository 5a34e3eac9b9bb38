// SPDX-License-Identifier: Apache-2.0
//
// Requests that are cut off, garbled, or sent by programs that cannot take the answer: each gets a
// definite answer, and the next client is served as usual.
#include <random>

#include "tests/service-manager/service_client.h"

namespace netbinder::testing {
namespace {

class HostileRequests : public ::testing::TestWithParam<Android> {
 protected:
  void expect_service_as_ever() {
    ServiceClient server(cluster_, 1, 500, GetParam());
    EXPECT_EQ(server.add("polite", kNode), 0);
    ServiceClient client(cluster_, 1, 501, GetParam());
    cluster_.manager(1).set_dialect(501, GetParam().dialect);
    EXPECT_TRUE(client.check("polite"));
  }
  // Cuts the parcel, and leaves out the objects that were cut away.
  static Request cut(const Request& whole, std::size_t bytes) {
    Request part = whole;
    part.payload().data.resize(bytes);
    std::erase_if(part.payload().offsets, [&](binder_size_t offset) {
      return offset + sizeof(flat_binder_object) > bytes;
    });
    return part;
  }

  ManagedCluster cluster_;
};

INSTANTIATE_TEST_SUITE_P(Android, HostileRequests, ::testing::ValuesIn(androids()),
                         [](const auto& tested) { return tested.param.name; });

TEST_P(HostileRequests, AreAnsweredAtEveryLength) {
  {
    ServiceClient client(cluster_, 1, 100, GetParam());
    Request whole = client.request();
    whole.string16("hello").binder(GetParam(), kNode, 0).binder(GetParam(), kNode + 16, 0);
    whole.i32(0).i32(8);
    for (std::uint32_t code = 1; code <= 17; ++code) {
      for (std::size_t bytes = 0; bytes <= whole.payload().data.size(); ++bytes) {
        const Received reply = client.call(code, cut(whole, bytes));
        if (reply.is_status()) {
          ASSERT_EQ(reply.data.size(), 4U);
        }
      }
    }
  }
  expect_service_as_ever();
}

TEST_P(HostileRequests, OfRandomBytesAreAnswered) {
  {
    std::mt19937 random(20260101);
    ServiceClient client(cluster_, 1, 100, GetParam());
    const Request token = client.request();
    for (int round = 0; round < 600; ++round) {
      Request request = round % 2 == 0 ? token : Request();
      const auto words = static_cast<std::uint32_t>(random() % 40);
      for (std::uint32_t word = 0; word < words; ++word) {
        switch (random() % 4) {
          case 0: request.i32(static_cast<std::int64_t>(random())); break;
          case 1: request.i32(static_cast<std::int64_t>(random() % 64) - 2); break;
          case 2: request.string16(std::string(random() % 9, 'h')); break;
          default: request.binder(GetParam(), kNode + random() % 4 * 16, 0); break;
        }
      }
      (void)client.call(static_cast<std::uint32_t>(random() % 20), request);
    }
  }
  cluster_.settle();
  expect_service_as_ever();
}

TEST_P(HostileRequests, ABinderThatIsNotAmongTheObjectsIsNone) {
  {
    cluster_.manager(1).set_dialect(100, GetParam().dialect);
    ServiceClient client(cluster_, 1, 100, GetParam());
    Request forged = client.request().string16("hello");
    forged.payload().add(handle_object(1));
    forged.payload().offsets.clear();
    if (GetParam().has_status()) forged.i32(GetParam().system);
    forged.i32(0).i32(8);
    EXPECT_NE(client.call(GetParam().add, forged).i32(), 0);
    EXPECT_TRUE(cluster_.manager(1).services().empty());
  }
  expect_service_as_ever();
}

TEST_P(HostileRequests, ACallerWithoutRoomForTheAnswerHurtsOnlyItself) {
  const Driver::Counts before = cluster_.host(1).driver.counts();
  {
    Program unmapped(cluster_.host(1), 100, "binder", 0);
    unmapped.greet(1);
    for (int round = 0; round < 50; ++round) {
      Request request;
      request.token(GetParam()).string16("hello" + std::to_string(round));
      request.binder(GetParam(), kNode, 0).i32(0).i32(8);
      unmapped.start(1, Commands().put(BC_TRANSACTION,
                                       request.payload().call(0, GetParam().add)),
                     true);
      cluster_.settle();
      ASSERT_FALSE(unmapped.blocked(1));
      (void)unmapped.outcome(1);
    }
    expect_service_as_ever();
  }
  cluster_.settle();
  const Driver::Counts after = cluster_.host(1).driver.counts();
  EXPECT_EQ(after.nodes, before.nodes);
  EXPECT_EQ(after.refs, before.refs);
  EXPECT_EQ(after.deaths, before.deaths);
  EXPECT_EQ(after.buffers, before.buffers);
}

TEST_P(HostileRequests, ACallerThatDiesBeforeTheAnswerLeavesNothing) {
  const Driver::Counts before = cluster_.host(1).driver.counts();
  {
    Program doomed(cluster_.host(1), 100);
    doomed.greet(1);
    Request request;
    request.token(GetParam()).string16("hello");
    request.binder(GetParam(), kNode, 0).i32(0).i32(8);
    doomed.start(1, Commands().put(BC_TRANSACTION, request.payload().call(0, GetParam().add)),
                 true);
  }
  cluster_.settle();
  expect_service_as_ever();
  cluster_.settle();
  const Driver::Counts after = cluster_.host(1).driver.counts();
  EXPECT_EQ(after.nodes, before.nodes);
  EXPECT_EQ(after.refs, before.refs);
  EXPECT_EQ(after.deaths, before.deaths);
  EXPECT_EQ(after.buffers, before.buffers);
  EXPECT_EQ(after.transactions, before.transactions);
}

TEST(Names, AreTheirUsersUntilHeLetsThemGo) {
  ManagedCluster cluster;
  ServiceClient owner(cluster, 1, 100, android("Android14"), 1001);
  ServiceClient of_the_same_user(cluster, 1, 101, android("Android14"), 1001);
  ServiceClient other(cluster, 1, 102, android("Android14"), 1002);
  ServiceClient root(cluster, 1, 103, android("Android14"), 0);
  ServiceClient old(cluster, 1, 104, android("Android10"), 1002);
  ASSERT_EQ(owner.add("name", kNode), 0);
  EXPECT_EQ(other.add("name", kNode), -1) << "EX_SECURITY";
  EXPECT_NE(old.add("name", kNode), 0);
  EXPECT_EQ(of_the_same_user.add("name", kNode), 0);
  of_the_same_user.die();
  EXPECT_EQ(other.add("name", kNode), 0) << "nobody has it any more";
  EXPECT_EQ(owner.add("name", kNode), -1);
  EXPECT_EQ(root.add("name", kNode), 0);
}

TEST(Bounds, OneProgramDoesNotUseUpTheNamesOfOthers) {
  constexpr int kShare = 8192;
  ManagedCluster cluster(2);
  {
    ServiceClient greedy(cluster, 1, 100, android("Android14"));
    const auto node = [](int i) { return kNode + 16 * static_cast<std::uint64_t>(i / 200); };
    for (int i = 0; i < kShare; ++i) {
      ASSERT_EQ(greedy.add("name" + std::to_string(i), node(i)), 0);
    }
    EXPECT_EQ(greedy.add("one.more", kNode), -5);
    EXPECT_EQ(greedy.add("name7", kNode + 16), 0);  // again
    ServiceClient other(cluster, 1, 200, android("Android14"));
    EXPECT_EQ(other.add("other", kNode), 0);
    EXPECT_EQ(other.add("name8", kNode), 0);  // which is one less of the greedy one's
    EXPECT_EQ(greedy.add("one.more", kNode), 0);
    EXPECT_TRUE(other.check("name8191"));
    ServiceClient there(cluster, 2, 300, android("Android14"));
    EXPECT_TRUE(there.check("name8191"));
    EXPECT_EQ(there.add("there", kNode), 0);
  }
  cluster.settle();
  EXPECT_TRUE(cluster.manager(1).services().empty());
  ServiceClient next(cluster, 1, 100, android("Android14"));
  EXPECT_EQ(next.add("name", kNode), 0);
}

// All of them end with one death.
TEST(Bounds, OneServiceHasNoMoreThan256Names) {
  ManagedCluster cluster(2);
  ServiceClient other(cluster, 2, 200, android("Android14"));
  {
    ServiceClient greedy(cluster, 1, 100, android("Android14"));
    for (int i = 0; i < 256; ++i) ASSERT_EQ(greedy.add("name" + std::to_string(i), kNode), 0);
    EXPECT_EQ(greedy.add("one.more", kNode), -5);
    EXPECT_EQ(greedy.add("name7", kNode), 0) << "again";
    EXPECT_EQ(greedy.add("name7", kNode + 16), 0) << "one less";
    EXPECT_EQ(greedy.add("one.more", kNode), 0);
    EXPECT_TRUE(other.check("one.more"));
  }
  cluster.settle();
  EXPECT_TRUE(cluster.manager(1).services().empty());
  EXPECT_TRUE(cluster.manager(2).services().empty());
}

// The manager hears of them one by one, and a host that comes is sent them in slices.
TEST(Bounds, ThousandsOfNamesGoWithTheirProgramsAndComeToOtherHosts) {
  constexpr int kNames = 2000;
  ManagedCluster cluster(2);
  cluster.disconnect(1, 2);
  ServiceClient there(cluster, 2, 300, android("Android14"));
  {
    ServiceClient greedy(cluster, 1, 100, android("Android14"));
    for (int i = 0; i < kNames; ++i) {
      ASSERT_EQ(greedy.add("name" + std::to_string(i), kNode + 16 * static_cast<std::uint64_t>(i)), 0);
    }
    cluster.connect(1, 2);
    EXPECT_EQ(cluster.manager(2).services().size(), std::size_t{kNames});
    EXPECT_TRUE(there.check("name1999"));
  }
  cluster.settle();
  EXPECT_TRUE(cluster.manager(1).services().empty());
  EXPECT_TRUE(cluster.manager(2).services().empty());
}

TEST(Bounds, OneProgramDoesNotUseUpTheListenersOfOthers) {
  constexpr int kShare = 8192;
  ManagedCluster cluster;
  {
    ServiceClient greedy(cluster, 1, 100, android("Android14"));
    for (int i = 0; i < kShare; ++i) {
      ASSERT_EQ(greedy.listen("name" + std::to_string(i), 0x2000), 0);
    }
    EXPECT_EQ(greedy.listen("one.more", 0x2000), -5);
    EXPECT_EQ(greedy.unlisten("name3", 0x2000), 0);
    EXPECT_EQ(greedy.listen("one.more", 0x2000), 0);
    ServiceClient other(cluster, 1, 200, android("Android14"));
    EXPECT_EQ(other.listen("name1", 0x2000), 0);
    EXPECT_EQ(other.add("name1", kNode), 0);
    EXPECT_TRUE(other.incoming());
  }
  cluster.settle();
  ServiceClient next(cluster, 1, 100, android("Android14"));
  EXPECT_EQ(next.listen("name", 0x2000), 0);
}

}  // namespace
}  // namespace netbinder::testing
