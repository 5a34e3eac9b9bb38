// SPDX-License-Identifier: Apache-2.0
//
// No user can use up what others need.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "tests/agent/channel_client.h"
#include "tests/agent/polite_pair.h"
#include "tests/hostile/other_user.h"

namespace netbinder::testing {
namespace {

void allow_many_descriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

TEST(Bounds, OpensOfOneUser) {
  allow_many_descriptors();
  AgentProcess agent("[limits]\nmax_processes = 200\nmax_processes_per_user = 40\n");
  open_to_everybody(agent);
  const Counts before = agent.counts();
  {
    const Signal full;
    OtherUser user([&] {
      std::vector<std::unique_ptr<ChannelClient>> clients;
      int refused = 0;
      for (int i = 0; i < 60; ++i) {
        clients.push_back(std::make_unique<ChannelClient>(agent.socket()));
        if (clients.back()->error() == -EMFILE) ++refused;
      }
      // Channels that are open keep working.
      const bool works = clients.front()->control(1, BINDER_VERSION) == 0;
      full.raise();
      if (refused == 20 && works) ::pause();
      return 1;
    });
    full.wait();
    EXPECT_EQ(agent.counts().processes, before.processes + 40);
    expect_polite_programs_work(agent.socket());
  }
  agent.expect_back_at(before);
}

TEST(Bounds, RootsShareOfAllOpens) {
  AgentProcess agent("[limits]\nmax_processes = 64\n");
  open_to_everybody(agent);
  const Counts before = agent.counts();
  {
    const Signal full;
    OtherUser user([&] {
      std::vector<std::unique_ptr<ChannelClient>> clients;
      do {
        clients.push_back(std::make_unique<ChannelClient>(agent.socket()));
      } while (clients.back()->error() == 0);
      full.raise();
      return ::pause();
    });
    full.wait();
    expect_polite_programs_work(agent.socket());
  }
  agent.expect_back_at(before);
}

TEST(Bounds, NodesOfOneUser) {
  AgentProcess agent("[limits]\nmax_nodes_per_user = 100\n");
  open_to_everybody(agent);
  OtherUser user([&] {
    ChannelClient client(agent.socket());
    if (client.map() != 0) return 2;
    int added = 0;
    while (added < 200 && Caller(client, 1).add("name" + std::to_string(added),
                                                0x1000 + 16 * static_cast<std::uint64_t>(added))) {
      ++added;
    }
    return added == 100 ? 0 : 3;
  });
  EXPECT_EQ(user.wait(), 0);
  expect_polite_programs_work(agent.socket());
}

TEST(Bounds, DescriptorsOnTheirWay) {
  AgentProcess agent("[limits]\nmax_files_per_user = 50\n");
  open_to_everybody(agent);
  const Counts before = agent.counts();
  OtherUser user([&] {
    ChannelClient server(agent.socket());
    ChannelClient client(agent.socket());
    if (server.map() != 0 || client.map() != 0 || !Caller(server, 1).add("files", 0x5000)) return 2;
    const std::uint32_t handle = Caller(client, 1).find("files");
    int sent = 0;
    while (sent < 200 && Caller(client, 1).send_file(handle, 0) == BR_TRANSACTION_COMPLETE) ++sent;
    return sent == 50 ? 0 : 3;
  });
  EXPECT_EQ(user.wait(), 0);
  expect_polite_programs_work(agent.socket());
  agent.expect_back_at(before);
}

TEST(Bounds, SilentAdminConnections) {
  AgentProcess agent;
  open_to_everybody(agent);
  const Signal full;
  OtherUser user([&] {
    for (int i = 0; i < 200; ++i) {
      const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      const std::string path = agent.socket() + ".admin";
      std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
      (void)::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    full.raise();
    return ::pause();
  });
  full.wait();
  EXPECT_NE(agent.status_line("{\"command\":\"status\"}\n").find("\"counts\""), std::string::npos);
}

}  // namespace
}  // namespace netbinder::testing
