// SPDX-License-Identifier: Apache-2.0
//
// The log of a link's queue pair at debug and trace.
#include <gtest/gtest.h>

#include "tests/transport/captured_log.h"
#include "tests/transport/rdma_cluster.h"
#include "tests/transport/recorder.h"

namespace netbinder {
namespace {

TEST(RdmaLog, TellsHowAQueuePairBeginsAndEnds) {
  const testing::CapturedLog log("rdma");
  RdmaCluster cluster;
  auto& one = cluster.add(1);
  auto& two = cluster.add(2);
  cluster.start();
  ASSERT_TRUE(cluster.run_until_fastest(one, 1, two, 2));
  EXPECT_TRUE(log.has("a queue pair is offered to host 2 'host2'\n"));
  EXPECT_TRUE(log.has("the queue pair with host 1 'host1' is connected, and is tried now\n"));
  EXPECT_TRUE(cluster.run_until([&] {
    return log.all().find("host 1 'host1' sends its messages over RDMA from now on\n") !=
           std::string::npos;
  }));
  EXPECT_EQ(log.all().find(" ends\n"), std::string::npos);

  const Received large = numbered_call(1, 65536);
  Payload payload = one.new_payload(2, large.payload.size());
  std::ranges::copy(large.payload, payload.data());
  one.send(2, large.message, std::move(payload));
  one.flush();
  ASSERT_TRUE(cluster.run_until([&] { return two.messages(1).size() == 1; }));
  EXPECT_TRUE(log.has(" bytes is registered for a peer\n"));
  one.stop();
  two.stop();
  EXPECT_TRUE(log.has("the queue pair with host 2 'host2' ends\n"));
  EXPECT_TRUE(log.has(" bytes is registered no more\n"));
}

TEST(RdmaLog, TellsWhenItIsTriedAgain) {
  const testing::CapturedLog log("rdma");
  RdmaCluster cluster;
  cluster.configure = [](TransportConfig& config) { config.rdma.use = RdmaUse::kIfPossible; };
  cluster.without_device = {2};
  auto& one = cluster.add(1);
  auto& two = cluster.add(2);
  cluster.start();
  ASSERT_TRUE(cluster.run_until([&] { return one.sees(2) && two.sees(1); }));
  EXPECT_TRUE(cluster.run_until([&] {
    return log.all().find("RDMA with host 1 'host1' is tried again in ") != std::string::npos;
  }));
}

}  // namespace
}  // namespace netbinder
