// SPDX-License-Identifier: Apache-2.0
//
// The device made of memory (memory_verbs.h): failures on demand, and its counts.
#include <gtest/gtest.h>

#include <cerrno>

#include "tests/transport/verbs_test_backends.h"

namespace netbinder::rdma {
namespace {

using Kind = SendRequest::Kind;
using Execution = MemoryVerbsOptions::Execution;

constexpr std::size_t kA = 0, kB = 1;

TEST(MemoryVerbs, CountsWhatIsAlive) {
  MemoryVerbs verbs;
  {
    Connected hosts(verbs);
    EXPECT_EQ(verbs.usage(), (MemoryVerbs::Usage{.devices = 2,
                                                 .domains = 2,
                                                 .queue_pairs = 2,
                                                 .regions = 2,
                                                 .registered_bytes = 2 * TestHost::kMemory}));
    EXPECT_EQ(verbs.opened(), 2U);
    EXPECT_EQ(verbs.queue_pairs(kA), 1U);
    EXPECT_FALSE(verbs.closed(kB));
  }
  EXPECT_TRUE(verbs.closed(kB));
  EXPECT_EQ(verbs.usage(), kNothingInUse);
}

TEST(MemoryVerbs, EnforcesWhatMayBeOutstanding) {
  MemoryVerbs verbs;
  Connected hosts(verbs);
  const SendRequest write{.kind = Kind::kWrite, .id = WorkId{1}};
  const std::vector<SendRequest> too_many(kTestLimits.sends + 1, write);
  EXPECT_EQ(hosts.a.pair->post_send(too_many), -ENOMEM);
  // They are executed, but nothing said so.
  EXPECT_EQ(hosts.a.pair->post_send({&write, 1}), -ENOMEM);
  for (std::uint64_t i = 0; i < kTestLimits.receives; ++i) {
    EXPECT_EQ(hosts.b.receive(i, 0, 8), 0);
  }
  EXPECT_EQ(hosts.b.receive(99, 0, 8), -ENOMEM);
}

TEST(MemoryVerbs, SignalledCompletionsMakeRoomWhenPolled) {
  MemoryVerbs verbs;
  Connected hosts(verbs);
  std::vector<SendRequest> chain(kTestLimits.sends, {.kind = Kind::kWrite, .id = WorkId{1}});
  chain[9].signalled = true;
  ASSERT_EQ(hosts.a.pair->post_send(chain), 0);
  EXPECT_EQ(hosts.a.pair->post_send({chain.data(), 1}), -ENOMEM) << "not polled yet";
  hosts.sends_of_a(1);
  EXPECT_EQ(hosts.a.pair->post_send({chain.data(), 9}), 0);
  EXPECT_EQ(hosts.a.pair->post_send({chain.data(), 2}), -ENOMEM) << "ten were complete";
}

TEST(MemoryVerbs, LimitsRegisteredMemory) {
  MemoryVerbs verbs;
  TestHost host(verbs);
  verbs.limit_memory(0, TestHost::kMemory + 1000);
  const auto region = host.domain->register_memory(host.at(0, 1001), Access::kLocal);
  ASSERT_FALSE(region);
  EXPECT_NE(region.error().find("RLIMIT_MEMLOCK"), std::string::npos) << region.error();
  EXPECT_TRUE(host.domain->register_memory(host.at(0, 1000), Access::kLocal));
  EXPECT_TRUE(host.domain->register_memory(host.at(0, 1000), Access::kLocal)) << "freed again";
}

TEST(MemoryVerbs, CreationFailsOnDemand) {
  MemoryVerbs verbs;
  verbs.fail_next_open("no luck");
  EXPECT_EQ(verbs.open({}).error(), "no luck");
  TestHost host(verbs);
  verbs.fail_next_registration(0, "no memory");
  EXPECT_EQ(host.domain->register_memory(host.memory, Access::kLocal).error(), "no memory");
  EXPECT_TRUE(host.domain->register_memory(host.memory, Access::kLocal));
  verbs.fail_next_queue_pair(0, "no queue");
  EXPECT_EQ(host.domain->create_queue_pair(kTestLimits).error(), "no queue");
  EXPECT_TRUE(host.domain->create_queue_pair(kTestLimits));
}

TEST(MemoryVerbs, PostsFailOnDemand) {
  MemoryVerbs verbs;
  Connected hosts(verbs);
  verbs.fail_next_post(kA, -ENOMEM);
  EXPECT_EQ(hosts.a.receive(1, 0, 8), -ENOMEM);
  verbs.fail_next_post(kA, -EINVAL);
  EXPECT_EQ(hosts.send(1, hosts.a.gather(0, 8)), -EINVAL);
  EXPECT_EQ(hosts.a.receive(1, 0, 8), 0);
}

TEST(MemoryVerbs, SendsFailOnDemand) {
  MemoryVerbs verbs;
  Connected hosts(verbs);
  ASSERT_EQ(hosts.b.receive(1, 0, 8), 0);
  ASSERT_EQ(hosts.b.receive(2, 8, 8), 0);
  verbs.fail_next_send(kA, Kind::kSend, CompletionStatus::kRetriesExceeded);
  // Another kind is not concerned.
  ASSERT_EQ(
      hosts.write(4, hosts.a.gather(0, 8), hosts.b.address(100), hosts.b.region->remote_key()), 0);
  expect_only(hosts.sends_of_a(1), 4, CompletionStatus::kSuccess, *hosts.a.pair);
  ASSERT_EQ(hosts.send(5, hosts.a.gather(0, 8)), 0);
  expect_only(hosts.sends_of_a(1), 5, CompletionStatus::kRetriesExceeded, *hosts.a.pair);
  ASSERT_EQ(hosts.send(6, hosts.a.gather(0, 8)), 0);
  expect_only(hosts.sends_of_a(1), 6, CompletionStatus::kFlushed, *hosts.a.pair);
  hosts.poller.poll_once();
  hosts.poller.expect_no_more();  // the peer has not noticed
}

TEST(MemoryVerbs, SendsFailThoughTheyArrived) {
  MemoryVerbs verbs;
  Connected hosts(verbs);
  ASSERT_EQ(hosts.b.receive(1, 0, 8), 0);
  hosts.a.put(0, "arrived!");
  verbs.fail_next_send(kA, Kind::kSend, CompletionStatus::kRetriesExceeded, /*executed=*/true);
  ASSERT_EQ(hosts.send(5, hosts.a.gather(0, 8)), 0);
  expect_only(hosts.sends_of_a(1), 5, CompletionStatus::kRetriesExceeded, *hosts.a.pair);
  expect_only(hosts.receives_of_b(1), 1, CompletionStatus::kSuccess, *hosts.b.pair);
  EXPECT_EQ(hosts.b.text(0, 8), "arrived!");
}

TEST(MemoryVerbs, RemoteErrorsOnDemandFailBoth) {
  MemoryVerbs verbs;
  Connected hosts(verbs);
  hosts.post_to_be_flushed();
  verbs.fail_next_send(kA, Kind::kWrite, CompletionStatus::kRemoteAccess);
  ASSERT_EQ(hosts.write(5, hosts.a.gather(0, 8), hosts.b.address(0), hosts.b.region->remote_key()),
            0);
  expect_only(hosts.sends_of_a(1), 5, CompletionStatus::kRemoteAccess, *hosts.a.pair);
  hosts.expect_both_failed();
}

TEST(MemoryVerbs, ReceivesFailOnDemand) {
  MemoryVerbs verbs;
  Connected hosts(verbs);
  ASSERT_EQ(hosts.b.receive(1, 0, 8), 0);
  verbs.fail_next_receive(kB, CompletionStatus::kLocal);
  ASSERT_EQ(hosts.send(5, hosts.a.gather(0, 8)), 0);
  expect_only(hosts.receives_of_b(1), 1, CompletionStatus::kLocal, *hosts.b.pair);
  expect_only(hosts.sends_of_a(1), 5, CompletionStatus::kOther, *hosts.a.pair);
}

TEST(MemoryVerbs, QueuePairsAreDropped) {
  MemoryVerbs verbs;
  Connected hosts(verbs);
  hosts.post_to_be_flushed();
  verbs.drop_queue_pair(kB, hosts.b.pair->number());
  expect_only(hosts.receives_of_b(1), 902, CompletionStatus::kFlushed, *hosts.b.pair);
  ASSERT_EQ(hosts.send(5, hosts.a.gather(0, 8)), 0);
  expect_only(hosts.sends_of_a(1), 5, CompletionStatus::kRetriesExceeded, *hosts.a.pair);
}

TEST(MemoryVerbs, DevicesFail) {
  for (const bool flushes : {true, false}) {
    MemoryVerbs verbs;
    Connected hosts(verbs);
    hosts.post_to_be_flushed();
    verbs.make_fatal(kA, "it burns", flushes);
    EXPECT_TRUE(readable(hosts.a.device->event_fd(), std::chrono::milliseconds(0)));
    EXPECT_EQ(hosts.a.device->take_events(), "it burns");
    EXPECT_FALSE(readable(hosts.a.device->event_fd(), std::chrono::milliseconds(0)));
    if (flushes) {
      expect_only(hosts.receives_of_a(1), 901, CompletionStatus::kFlushed, *hosts.a.pair);
    }
    hosts.poller.poll_once();
    hosts.poller.expect_no_more();
    EXPECT_FALSE(hosts.a.domain->register_memory(hosts.a.memory, Access::kLocal));
    EXPECT_FALSE(hosts.a.domain->create_queue_pair(kTestLimits));
  }
}

TEST(MemoryVerbs, PortsGoDown) {
  MemoryVerbs verbs;
  Connected hosts(verbs);
  hosts.post_to_be_flushed();
  verbs.port_down(kB);
  EXPECT_TRUE(readable(hosts.b.device->event_fd(), std::chrono::milliseconds(0)));
  EXPECT_NE(hosts.b.device->take_events(), std::nullopt);
  EXPECT_EQ(hosts.a.device->take_events(), std::nullopt);
  ASSERT_EQ(hosts.send(5, hosts.a.gather(0, 8)), 0);
  expect_only(hosts.sends_of_a(1), 5, CompletionStatus::kRetriesExceeded, *hosts.a.pair);
}

TEST(MemoryVerbs, LateReceivesAreInTimeForRetries) {
  MemoryVerbs verbs({.retries = 3});
  Connected hosts(verbs);
  ASSERT_EQ(hosts.send(5, hosts.a.gather(0, 8)), 0);  // the first attempt
  verbs.run();
  verbs.run();
  ASSERT_EQ(hosts.b.receive(1, 0, 8), 0);
  expect_only(hosts.receives_of_b(1), 1, CompletionStatus::kSuccess, *hosts.b.pair);
  hosts.sends_of_a(1);
  ASSERT_EQ(hosts.send(6, hosts.a.gather(0, 8)), 0);
  verbs.expire();
  expect_only(hosts.sends_of_a(1), 6, CompletionStatus::kReceiverNotReady, *hosts.a.pair);
}

TEST(MemoryVerbs, PeerThatNeverConnectsExpires) {
  MemoryVerbs verbs;
  TestHost a(verbs);
  TestHost b(verbs);
  must<void>(a.pair->connect(b.pair->address()));
  const SendRequest request{.id = WorkId{1}};
  ASSERT_EQ(a.pair->post_send({&request, 1}), 0);
  TestPoller poller(*a.device, *b.device);
  poller.poll_once();
  poller.expect_no_more();
  verbs.expire();
  expect_only(poller.sends(0, 1), 1, CompletionStatus::kRetriesExceeded, *a.pair);
}

TEST(MemoryVerbs, LazyOnesMoveByStepsAndSayWhenThereIsWork) {
  MemoryVerbs verbs({.execution = Execution::kLazily});
  Connected hosts(verbs);
  int work = 0;
  verbs.on_work([&] { ++work; });
  ASSERT_EQ(hosts.b.receive(1, 0, 8), 0);
  EXPECT_EQ(work, 0);
  hosts.a.put(0, "12345678");
  ASSERT_EQ(hosts.send(5, hosts.a.gather(0, 8)), 0);
  EXPECT_EQ(work, 1);
  EXPECT_EQ(hosts.b.text(0, 8), std::string(8, '\0'));
  ASSERT_EQ(hosts.b.device->arm(), 0);
  ASSERT_EQ(hosts.a.device->arm(), 0);
  EXPECT_TRUE(verbs.step());  // executed at the peer
  EXPECT_EQ(work, 2);
  EXPECT_EQ(hosts.b.text(0, 8), "12345678");
  EXPECT_TRUE(readable(hosts.b.device->event_fd(), std::chrono::milliseconds(0)));
  EXPECT_FALSE(readable(hosts.a.device->event_fd(), std::chrono::milliseconds(0)));
  EXPECT_TRUE(verbs.step());  // complete at the sender
  EXPECT_EQ(work, 2);
  EXPECT_TRUE(readable(hosts.a.device->event_fd(), std::chrono::milliseconds(0)));
  EXPECT_FALSE(verbs.step());
}

TEST(MemoryVerbs, TellsOfMisuse) {
  MemoryVerbs verbs({.execution = Execution::kLazily});
  {
    Connected hosts(verbs);
    ASSERT_EQ(
        hosts.write(5, hosts.a.gather(0, 8), hosts.b.address(0), hosts.b.region->remote_key()), 0);
    hosts.a.put(0, "x");
    verbs.run();
    EXPECT_EQ(verbs.misuse(), (MemoryVerbs::Misuse{.changed_sends = 1}));
    ASSERT_EQ(hosts.write(6, hosts.a.gather(0, 8), hosts.b.address(0), RemoteKey{}), 0);
    verbs.run();
    EXPECT_EQ(verbs.misuse(), (MemoryVerbs::Misuse{.uncovered_writes = 1, .changed_sends = 1}));
  }
  {
    Connected hosts(verbs);
    ASSERT_EQ(hosts.b.receive(1, 0, 8), 0);
    hosts.b.region.reset();
    EXPECT_EQ(verbs.misuse().unregistered_in_use, 1U);
    hosts.b.pair.reset();
    hosts.a.pair.reset();
    hosts.a.region.reset();
    EXPECT_EQ(verbs.misuse().unregistered_in_use, 1U) << "nothing needed it any more";
  }
}

TEST(MemoryVerbsDeathTest, RegionsGoBeforeTheirDomain) {
  MemoryVerbs verbs;
  TestHost host(verbs);
  host.pair.reset();
  EXPECT_DEATH(host.domain.reset(), "a region outlives its protection domain");
}

}  // namespace
}  // namespace netbinder::rdma
