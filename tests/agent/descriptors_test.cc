// SPDX-License-Identifier: Apache-2.0
//
// Descriptors in calls whose receiver misbehaves or no longer exists.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "tests/agent/agent_process.h"
#include "tests/agent/channel_client.h"
#include "tests/agent/polite_pair.h"

namespace netbinder::testing {
namespace {

class Descriptors : public ::testing::Test {
 protected:
  struct Programs {
    explicit Programs(const AgentProcess& agent) : server(agent.socket()), client(agent.socket()) {
      EXPECT_EQ(server.map(), 0);
      EXPECT_EQ(client.map(), 0);
      EXPECT_TRUE(Caller(server, 1).add("files", 0x5000));
      EXPECT_EQ(server.write_read(2, Stream().put(BC_ENTER_LOOPER).bytes(), 0), 0);
      handle = Caller(client, 1).find("files");
    }
    // The result of a oneway call with the descriptor: BR_TRANSACTION_COMPLETE, or the failure.
    std::uint32_t send(int fd) {
      return Caller(client, 1).send_file(handle, fd);
    }
    ChannelClient server;
    ChannelClient client;
    std::uint32_t handle = 0;
  };
  void TearDown() override {
    expect_polite_programs_work(agent_.socket());
    agent_.expect_back_at(before_);
  }

  AgentProcess agent_;
  const Counts before_ = agent_.counts();
};

TEST_F(Descriptors, ThatNobodyTakesGoWithTheirReceiver) {
  for (int round = 0; round < 20; ++round) {
    Programs programs(agent_);
    const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(programs.send(file), std::uint32_t{BR_TRANSACTION_COMPLETE});
    }
    ::close(file);
  }
}

TEST_F(Descriptors, ThatDoNotExistFailTheCall) {
  Programs programs(agent_);
  EXPECT_EQ(programs.send(9999), std::uint32_t{BR_FAILED_REPLY});
  EXPECT_EQ(programs.send(-1), std::uint32_t{BR_FAILED_REPLY});
}

TEST_F(Descriptors, ABinderDescriptorOnItsWayToItselfKeepsNoProcessAlive) {
  for (int round = 0; round < 10; ++round) {
    Programs programs(agent_);
    EXPECT_EQ(programs.send(programs.server.socket()), std::uint32_t{BR_FAILED_REPLY});
  }
}

TEST_F(Descriptors, AReadGoesOnAfterARefusedInstallationAndCanBeCancelled) {
  Programs programs(agent_);
  ChannelClient& server = programs.server;
  while (server.write_read(2, {}, kRead | kFlagNonblocking) == 0) {
  }
  server.begin_write_read(2, 2, {}, kRead);
  EXPECT_EQ(programs.send(0), std::uint32_t{BR_TRANSACTION_COMPLETE});
  Mailbox& box = server.mailbox(2);
  ASSERT_TRUE(eventually("there is a descriptor to install", [&] { return box.state == kInstall; }));
  EXPECT_EQ(box.response.install_count, 1U);
  box.fds[0] = -1;
  server.set_state(2, kInstalled);
  ASSERT_TRUE(eventually("the read goes on", [&] { return box.state == kRequested; }));
  server.set_state(2, kCancelled);
  EXPECT_EQ(server.end_write_read(2), -EINTR);
}

}  // namespace
}  // namespace netbinder::testing
