// SPDX-License-Identifier: Apache-2.0
//
// Programs that try to make the agent wait, or to keep it busy, while a polite pair of another user
// makes calls. The bounds on the pair's longest call are far above what it takes, for the sake of
// slow machines, and far below what the harm would take if it worked. What the pair's calls do take
// is measured by beside_hostile.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/agent/channel_client.h"
#include "tests/agent/polite_pair.h"
#include "tests/hostile/other_user.h"
#include "tests/hostile/stalling_programs.h"

namespace netbinder::testing {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kEnoughCalls = 500;

class Stalling : public ::testing::Test {
 protected:
  Stalling() { open_to_everybody(agent_); }

  void expect_others_go_on(const std::string& name) {
    const StallingProgram& program = stalling_program(name);
    std::vector<std::unique_ptr<Signal>> ready;
    std::vector<std::unique_ptr<OtherUser>> users;
    for (int i = 0; i < program.processes; ++i) {
      ready.push_back(std::make_unique<Signal>());
      users.push_back(std::make_unique<OtherUser>([&] {
        return program.act(agent_.socket(), [&] { ready.back()->raise(); });
      }));
    }
    for (const auto& each : ready) each->wait();
    EXPECT_LT(call_politely(agent_.socket(), kEnoughCalls).longest_ns, 1000 * kMs);
    users.clear();
    EXPECT_LT(call_politely(agent_.socket(), kEnoughCalls).longest_ns, 1000 * kMs);
  }

  AgentProcess agent_;
};

TEST_F(Stalling, TheCloseOfAStrangersSocketWaitsElsewhere) { expect_others_go_on("closes"); }
TEST_F(Stalling, OpensAndClosesWithoutEnd) { expect_others_go_on("opens"); }
TEST_F(Stalling, OpensThatWaitForTheAnswer) { expect_others_go_on("answered"); }
TEST_F(Stalling, LongWriteBuffersInEveryMailbox) { expect_others_go_on("writes"); }
TEST_F(Stalling, CallsWithTensOfThousandsOfObjects) { expect_others_go_on("objects"); }
TEST_F(Stalling, ClosesThatAreAnnouncedAndDoNotCome) { expect_others_go_on("announced"); }
TEST_F(Stalling, HundredsOfThousandsOfUnreadOnewayCalls) { expect_others_go_on("oneway"); }
TEST_F(Stalling, AcknowledgementsThatFitNoDeath) { expect_others_go_on("deaths"); }
TEST_F(Stalling, EndsOfLargeProcesses) { expect_others_go_on("ends"); }
TEST_F(Stalling, EndsOfProgramsWithManyNames) { expect_others_go_on("names"); }
TEST_F(Stalling, QuestionsAboutManyNodes) { expect_others_go_on("questions"); }
TEST_F(Stalling, ThousandsOfThreadsThatWaitForAFreeze) { expect_others_go_on("freezes"); }
TEST_F(Stalling, FreezesOfWatchedNodes) { expect_others_go_on("thaws"); }

TEST(StallingLog, OpensAndStrayWritesLeaveFewLines) {
  AgentProcess agent;
  for (int i = 0; i < 1000; ++i) {
    const ChannelClient client(agent.socket());
    ASSERT_EQ(client.error(), 0);
    ASSERT_EQ(::send(client.socket(), "stray", 5, MSG_NOSIGNAL), 5);
  }
  // Those that say nothing sensible, too.
  for (int i = 0; i < 1000; ++i) {
    const int fd = connect_to(agent.socket());
    ASSERT_EQ(::send(fd, "nonsense", 8, MSG_NOSIGNAL), 8);
    ::close(fd);
  }
  expect_polite_programs_work(agent.socket());
  const std::string log = agent.folder().read("log");
  EXPECT_LT(std::ranges::count(log, '\n'), 100) << log;
}

TEST(StallingLog, AFullPipeAsStderrStopsNobody) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const std::vector<char> bytes(1U << 16);
  ASSERT_GT(::write(pipe_ends[1], bytes.data(), bytes.size()), 0);
  const Folder folder;
  folder.write("agent.toml", "host = \"here\"\nsocket = \"" + folder.path("agent.sock") + "\"\n");
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(pipe_ends[1], 2);
    ::execl(NETBINDERD, NETBINDERD, "--config", folder.path("agent.toml").c_str(), nullptr);
    ::_exit(99);
  }
  EXPECT_TRUE(eventually("it serves", [&] {
    return ::access(folder.path("agent.sock").c_str(), F_OK) == 0;
  }));
  // Adding a device is logged.
  for (int i = 0; i < 40; ++i) {
    Hello hello = hello_with("device" + std::to_string(i));
    hello.purpose = kHelloAddDevice;
    const int fd = connect_to(folder.path("agent.sock"));
    ASSERT_EQ(::send(fd, &hello, sizeof hello, MSG_NOSIGNAL), ssize_t{sizeof hello});
    const auto reply = receive_hello_reply(fd);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->error, 0);
    ::close(fd);
  }
  expect_polite_programs_work(folder.path("agent.sock"));
  ::kill(pid, SIGTERM);
  int status = 0;
  EXPECT_TRUE(eventually("it ends", [&] { return ::waitpid(pid, &status, WNOHANG) == pid; }));
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
}

}  // namespace
}  // namespace netbinder::testing
