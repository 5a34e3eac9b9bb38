// SPDX-License-Identifier: Apache-2.0
//
// What every Transport must do, run on each implementation. A fixture gives clusters of transports
// in one event loop and lets a test cut their links.
#include <gtest/gtest.h>

#include "tests/transport/recorder.h"
#include "tests/transport/tcp_cluster.h"

namespace netbinder {
namespace {

template <typename Cluster>
class TransportTest : public testing::Test {
 protected:
  Cluster cluster_;
};

using Clusters = testing::Types<TcpCluster>;
TYPED_TEST_SUITE(TransportTest, Clusters);

TYPED_TEST(TransportTest, MessagesGoBothWays) {
  auto& cluster = this->cluster_;
  auto& one = cluster.add(1);
  auto& two = cluster.add(2);
  cluster.start();
  ASSERT_TRUE(cluster.run_until([&] { return one.sees(2) && two.sees(1); }));

  one.send(2, {peer::NodeDied{NodeNumber(5)}, {}});
  two.send(1, numbered_call(9, 100));
  one.flush();
  two.flush();
  ASSERT_TRUE(cluster.run_until(
      [&] { return one.messages(2).size() == 1 && two.messages(1).size() == 1; }));
  EXPECT_EQ(one.messages(2)[0], numbered_call(9, 100));
  EXPECT_EQ(two.messages(1)[0], (Received{peer::NodeDied{NodeNumber(5)}, {}}));
}

}  // namespace
}  // namespace netbinder
