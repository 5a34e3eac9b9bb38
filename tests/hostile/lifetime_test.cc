// SPDX-License-Identifier: Apache-2.0
//
// An open ends with its programs.
#include <gtest/gtest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <memory>

#include "channel/scm_rights.h"
#include "tests/agent/channel_client.h"
#include "tests/agent/polite_pair.h"
#include "tests/hostile/other_user.h"

namespace netbinder::testing {
namespace {

void send_fds(int socket, const std::vector<int>& fds) {
  char byte = 0;
  iovec part{.iov_base = &byte, .iov_len = 1};
  RightsBuffer<kMaxRights> rights;
  msghdr packet{};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  attach_rights(packet, rights.bytes, fds);
  (void)::sendmsg(socket, &packet, MSG_DONTWAIT | MSG_NOSIGNAL);
}

// The descriptors stay open in the queue of a socket, which an innocent process has.
TEST(Lifetime, ASocketInAQueueKeepsNothing) {
  AgentProcess agent;
  open_to_everybody(agent);
  const Counts before = agent.counts();
  int queue[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, queue), 0);
  OtherUser user([&] {
    std::vector<std::unique_ptr<ChannelClient>> clients;
    for (int i = 0; i < 20; ++i) {
      clients.push_back(std::make_unique<ChannelClient>(agent.socket()));
      if (clients.back()->error() != 0) return 2;
      send_fds(queue[1], {clients.back()->socket(), clients.back()->side_socket()});
    }
    ::_exit(0);
  });
  EXPECT_EQ(user.wait(), 0);
  EXPECT_TRUE(eventually("the opens end", [&] {
    return agent.counts().processes == before.processes;
  }));
  ::close(queue[0]);
  ::close(queue[1]);
  agent.expect_back_at(before);
}

// Two agents that start over a socket that was left behind: one serves.
TEST(Lifetime, OnlyOneAgentTakesAStaleSocket) {
  const Folder folder;
  auto first = std::make_unique<AgentProcess>("", folder);
  const std::string socket = first->socket();
  EXPECT_NE(run_daemon(folder, {"--config", folder.path("agent.toml")}, "second"), 0);
  EXPECT_NE(folder.read("second").find("another agent"), std::string::npos);
  expect_polite_programs_work(socket);
  // An agent that stops leaves the socket of a newer one alone.
  struct stat status {};
  ASSERT_EQ(::stat(socket.c_str(), &status), 0);
  ASSERT_EQ(::rename(socket.c_str(), folder.path("moved").c_str()), 0);
  ASSERT_EQ(::close(::creat(socket.c_str(), 0600)), 0);
  first->end();
  EXPECT_EQ(::access(socket.c_str(), F_OK), 0) << "it has removed what is not its own";
}

}  // namespace
}  // namespace netbinder::testing
