// SPDX-License-Identifier: Apache-2.0
//
// An open ends with its programs.
#include <gtest/gtest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <string>

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

// They wait for each other just before they become agents, and a killed agent's socket is there.
TEST(Lifetime, OfAgentsThatStartAtOnceOneServes) {
  const Folder folder;
  {
    AgentProcess killed("", folder);
    killed.kill();
  }
  const std::string socket = folder.path("agent.sock");
  ASSERT_EQ(::access(socket.c_str(), F_OK), 0);
  constexpr int kAgents = 6;
  int gate[2];
  ASSERT_EQ(::pipe2(gate, O_CLOEXEC), 0);
  std::map<pid_t, std::string> agents;  // and their logs
  for (int i = 0; i < kAgents; ++i) {
    const std::string log = "log" + std::to_string(i);
    const std::string path = folder.path(log);
    const std::string config = folder.path("agent.toml");
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::close(gate[1]);
      ::dup2(::creat(path.c_str(), 0600), 2);
      char byte;
      (void)!::read(gate[0], &byte, 1);  // until the gate is closed
      ::execl(NETBINDERD, NETBINDERD, "--config", config.c_str(), nullptr);
      ::_exit(99);
    }
    agents.emplace(pid, log);
  }
  ::close(gate[0]);
  ::close(gate[1]);
  int status = 0;
  for (int ended = 0; ended < kAgents - 1; ++ended) {
    pid_t pid = -1;
    ASSERT_TRUE(eventually("all but one end", [&] {
      for (const auto& [each, log] : agents) {
        if (::waitpid(each, &status, WNOHANG) == each) return (pid = each) > 0;
      }
      return false;
    }));
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1) << status;
    agents.erase(pid);
  }
  ASSERT_EQ(agents.size(), 1U);
  const auto& [last, log] = *agents.begin();
  EXPECT_TRUE(eventually("it serves", [&] {
    return folder.read(log).find("serving") != std::string::npos;
  }));
  expect_polite_programs_work(socket);
  ASSERT_EQ(::kill(last, SIGTERM), 0);
  EXPECT_EQ(::waitpid(last, &status, 0), last);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

}  // namespace
}  // namespace netbinder::testing
