// SPDX-License-Identifier: Apache-2.0
//
// The nice value that a thread is to have while it handles a call, and afterwards.
#include <gtest/gtest.h>

#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {
namespace {

class Nice : public ::testing::Test {
 protected:
  // The server was opened with 0, and its node lends down to 5.
  Nice() {
    server.greet(1);
    flat_binder_object object{};
    object.flags = 5;
    EXPECT_EQ(server.control(1, BINDER_SET_CONTEXT_MGR_EXT, &object), 0);
    client.greet(1);
  }
  // The nice value that the server's thread takes on with a call of a client with this value.
  std::optional<std::int32_t> lent_by(std::int32_t nice) {
    client.set_nice(nice);
    client.start(1, Commands().put(BC_TRANSACTION, Payload("x").call(0, 1)), true);
    server.set_nice(0);
    const Outcome outcome = server.read(1);
    EXPECT_NE(outcome.find(BR_TRANSACTION), nullptr);
    return outcome.nice;
  }
  // The nice value that it takes on when it replies with this value.
  std::optional<std::int32_t> after_the_reply(std::int32_t nice) {
    server.set_nice(nice);
    const Outcome outcome = server.write(1, Commands().put(BC_REPLY, Payload("y").call(0, 0)));
    (void)server.read_now(1);
    EXPECT_NE(client.outcome(1).find(BR_REPLY), nullptr);
    return outcome.nice;
  }

  Cluster cluster;
  Program client{cluster.host(1), 100};
  Program server{cluster.host(1), 200};
};

TEST_F(Nice, IsLentForTheCallAndTakenBackWithTheReply) {
  EXPECT_EQ(lent_by(-3), -3);
  EXPECT_EQ(after_the_reply(-3), 0);
  EXPECT_EQ(lent_by(7), 5) << "the node asks for that at least";
  EXPECT_EQ(after_the_reply(5), 0);
}

}  // namespace
}  // namespace netbinder::testing
