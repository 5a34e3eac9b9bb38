// SPDX-License-Identifier: Apache-2.0
//
// External changes to libibverbs' devices: limits of the process, network interfaces that vanish.
// Only in tests/guest/rdma_guest, whose device these tests take away and give back.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "tests/transport/verbs_test_backends.h"

namespace netbinder::rdma {
namespace {

using Kind = SendRequest::Kind;

constexpr const char* kAddress = "(10.0.0.1)";

void run(const char* command) { ASSERT_EQ(std::system(command), 0) << command; }

// Waits for an event of the device that is more than a completion.
std::string failure_of(Device& device) {
  const auto end = std::chrono::steady_clock::now() + kTestPatience;
  while (std::chrono::steady_clock::now() < end) {
    if (readable(device.event_fd(), std::chrono::milliseconds(100))) {
      if (const auto failure = device.take_events()) {
        return *failure;
      }
    }
  }
  return "no event";
}

void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

class SoftRoce : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("NETBINDER_RDMA_GUEST") == nullptr) {
      GTEST_SKIP() << "takes rxe0 away: in tests/guest/rdma_guest only";
    }
  }
  // Tests leave the port as they found it.
  void TearDown() override {
    if (IsSkipped()) {
      return;
    }
    const auto end = std::chrono::steady_clock::now() + kTestPatience;
    std::string why = "not tried";
    while (std::chrono::steady_clock::now() < end) {
      const auto device = verbs_->open({});
      if (device && (*device)->description().ends_with(kAddress)) {
        return;
      }
      why = device ? (*device)->description() : device.error();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    FAIL() << "the device did not come back: " << why;
  }

  std::unique_ptr<Verbs> verbs_ = make_ibverbs();
};

TEST_F(SoftRoce, PrefersIpv4Addresses) {
  const auto chosen = must(verbs_->open({}));
  EXPECT_TRUE(chosen->description().starts_with("rxe0 port 1 gid ")) << chosen->description();
  EXPECT_TRUE(chosen->description().ends_with(kAddress)) << chosen->description();
  const auto other = must(verbs_->open({.name = "rxe0", .port = 1, .gid_index = 0}));
  expect_contains(other->description(), "rxe0 port 1 gid 0 (fe80::");
}

TEST_F(SoftRoce, SaysWhatIsMissing) {
  expect_contains(verbs_->open({.name = "mlx5_9"}).error(), "no RDMA device mlx5_9");
  expect_contains(verbs_->open({.gid_index = 99}).error(), "no gid 99");
  expect_contains(verbs_->open({.port = 2}).error(), "no port 2");
}

TEST_F(SoftRoce, SaysWhenThereIsNoAccess) {
  run("chmod 600 /dev/infiniband/uverbs0");
  ASSERT_EQ(seteuid(65534), 0);
  const auto opened = verbs_->open({});
  ASSERT_EQ(seteuid(0), 0);
  run("chmod 666 /dev/infiniband/uverbs0");
  ASSERT_FALSE(opened);
  expect_contains(opened.error(), "/dev/infiniband/uverbs0: Permission denied");
}

TEST_F(SoftRoce, SaysWhatLockedMemoryIsLimitedTo) {
  TestHost host(*verbs_);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_MEMLOCK, &before), 0);
  const rlimit little{.rlim_cur = 65536, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_MEMLOCK, &little), 0);
  ASSERT_EQ(seteuid(65534), 0);  // who may lock memory is not limited
  const auto region = host.domain->register_memory(host.at(0, 500'000), Access::kLocal);
  ASSERT_EQ(seteuid(0), 0);
  ASSERT_EQ(setrlimit(RLIMIT_MEMLOCK, &before), 0);
  ASSERT_FALSE(region);
  expect_contains(region.error(), "cannot register 500000 bytes");
  expect_contains(region.error(), "RLIMIT_MEMLOCK is 65536 bytes");
}

TEST_F(SoftRoce, CompletionQueuesGrowWithTheQueuePairs) {
  const QueuePairLimits many{.sends = 500, .receives = 500, .gather = 1, .inline_bytes = 0};
  Connected hosts(*verbs_, many);
  std::vector<std::unique_ptr<QueuePair>> more;
  std::string refused;
  for (int i = 0; i < 200 && refused.empty(); ++i) {
    auto pair = hosts.a.domain->create_queue_pair(many);
    pair ? more.push_back(std::move(*pair)) : refused.swap(pair.error());
  }
  EXPECT_GT(more.size(), 8U) << refused;
  expect_contains(refused, "completions at a time");
  more.clear();  // their place is free again
  EXPECT_TRUE(hosts.a.domain->create_queue_pair(many));
  ASSERT_EQ(hosts.b.receive(1, 0, 8), 0);
  ASSERT_EQ(hosts.send(1, hosts.a.gather(0, 8)), 0);
  expect_only(hosts.sends_of_a(1), 1, CompletionStatus::kSuccess, *hosts.a.pair);
}

TEST_F(SoftRoce, LongChainsArePostedWhole) {
  const QueuePairLimits many{.sends = 300, .receives = 1, .gather = 8, .inline_bytes = 0};
  Connected hosts(*verbs_, many);
  const std::vector<Gather> pieces(8, hosts.a.gather(0, 1));
  hosts.a.put(0, "x");
  std::vector<SendRequest> chain(300);
  for (std::size_t i = 0; i < chain.size(); ++i) {
    chain[i] = {.kind = Kind::kWrite,
                .id = WorkId{i},
                .gather = std::span(pieces).first(i % 9),
                .remote_address = hosts.b.address(8 * i),
                .remote_key = hosts.b.region->remote_key(),
                .signalled = i + 1 == chain.size()};
  }
  ASSERT_EQ(hosts.a.pair->post_send(chain), 0);
  expect_only(hosts.sends_of_a(1), 299, CompletionStatus::kSuccess, *hosts.a.pair);
  for (std::size_t i = 0; i < chain.size(); ++i) {
    ASSERT_EQ(hosts.b.text(8 * i, 8), std::string(i % 9, 'x') + std::string(8 - i % 9, '\0'));
  }
}

// Soft-RoCE flushes sends that cannot even leave.
TEST_F(SoftRoce, InterfaceGoesDown) {
  Connected hosts(*verbs_);
  hosts.post_to_be_flushed();
  run("ip link set v0 down");
  expect_contains(failure_of(*hosts.a.device), "port 1 went down");
  expect_contains(failure_of(*hosts.b.device), "port 1 went down");
  expect_contains(verbs_->open({}).error(), "rxe0: port 1 is down");
  ASSERT_EQ(hosts.send(1, hosts.a.gather(0, 8)), 0);
  expect_only(hosts.sends_of_a(1), 1, CompletionStatus::kFlushed, *hosts.a.pair);
  expect_only(hosts.receives_of_a(1), 901, CompletionStatus::kFlushed, *hosts.a.pair);
  run("ip link set v0 up");
}

TEST_F(SoftRoce, AddressGoes) {
  Connected hosts(*verbs_);
  hosts.post_to_be_flushed();
  run("ip address del 10.0.0.1/24 dev v0");
  expect_contains(failure_of(*hosts.a.device), "its address is gone");
  ASSERT_EQ(hosts.send(1, hosts.a.gather(0, 8)), 0);
  expect_only(hosts.sends_of_a(1), 1, CompletionStatus::kFlushed, *hosts.a.pair);
  run("ip address add 10.0.0.1/24 dev v0");
}

// Nobody is told; deleting waits until nobody uses the device, and it works until then.
TEST_F(SoftRoce, DeletingADeviceWaitsForItsUsers) {
  std::thread deleting;
  {
    Connected hosts(*verbs_);
    deleting = std::thread([] { run("rdma link delete rxe0"); });
    const auto end = std::chrono::steady_clock::now() + kTestPatience;
    while (verbs_->open({}) && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    expect_contains(verbs_->open({}).error(), "no RDMA device");
    EXPECT_FALSE(readable(hosts.a.device->event_fd(), std::chrono::milliseconds(0)));
    ASSERT_EQ(hosts.b.receive(1, 0, 8), 0);
    ASSERT_EQ(hosts.send(1, hosts.a.gather(0, 8)), 0);
    expect_only(hosts.sends_of_a(1), 1, CompletionStatus::kSuccess, *hosts.a.pair);
  }
  deleting.join();
  run("rdma link add rxe0 type rxe netdev v0");
}

}  // namespace
}  // namespace netbinder::rdma
