// SPDX-License-Identifier: Apache-2.0
//
// netbinderd's messages to an init system, and sockets that it is passed.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "tests/agent/agent_process.h"
#include "tests/agent/channel_client.h"
#include "tests/agent/init_system.h"
#include "tests/agent/polite_pair.h"

namespace netbinder::testing {
namespace {

TEST(InitNotice, TellsThatItServesReadsItsConfigurationAgainAndEnds) {
  const Folder folder;
  InitSystem init(folder);
  AgentProcess agent("", folder);
  EXPECT_NE(init.expect("READY=1\n").find("STATUS=serving binder"), std::string::npos);
  EXPECT_EQ(::kill(agent.pid(), SIGHUP), 0);
  EXPECT_NE(init.expect("RELOADING=1\n").find("MONOTONIC_USEC="), std::string::npos);
  init.expect("READY=1\n");
  agent.end();
  init.expect("STOPPING=1");
}

TEST(InitNotice, FeedsTheWatchdogOfAnAgentThatRuns) {
  const Folder folder;
  InitSystem init(folder);
  ::setenv("WATCHDOG_USEC", "400000", 1);
  AgentProcess agent("", folder);
  init.expect("READY=1\n");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(init.next(), "WATCHDOG=1");
  agent.end();
  init.expect("STOPPING=1");
}

// As with socket activation: the socket is there before the agent.
TEST(PassedSocket, IsServedAndLeftInPlace) {
  const Folder folder;
  const std::string path = folder.path("agent.sock");
  const int listener = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  const sockaddr_un address = address_of(path);
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 16), 0);
  const int early = connect_to(path);  // before there is an agent
  {
    const PassedDescriptor passed(listener);
    AgentProcess agent("", folder);
    const Hello hello = hello_with();
    EXPECT_EQ(::send(early, &hello, sizeof hello, MSG_NOSIGNAL), ssize_t{sizeof hello});
    const auto reply = receive_hello_reply(early);
    EXPECT_TRUE(reply && reply->error == 0);
    expect_polite_programs_work(agent.socket());
  }
  ::close(early);
  // Its maker still has the socket, and the next agent gets it.
  const int late = connect_to(path);
  ::close(late);
  EXPECT_EQ(::access((path + ".lock").c_str(), F_OK), -1);
  ::close(listener);
}

TEST(PassedSocket, OfAnotherPathIsNotTaken) {
  const Folder folder;
  const int other = ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  const sockaddr_un address = address_of(folder.path("other.sock"));
  ASSERT_EQ(::bind(other, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(other, 1), 0);
  {
    const PassedDescriptor passed(other);
    AgentProcess agent("", folder);
    expect_polite_programs_work(agent.socket());
  }
  ::close(other);
}

}  // namespace
}  // namespace netbinder::testing
