// SPDX-License-Identifier: Apache-2.0
//
// Programs that are killed at random moments of a call, as client and as server.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <random>
#include <thread>

#include "tests/agent/agent_process.h"
#include "tests/agent/channel_client.h"
#include "tests/agent/polite_pair.h"

namespace netbinder::testing {
namespace {

// Runs `program` in a child that reports when it has begun, and kills it a moment later.
template <typename Program>
void run_and_kill(std::mt19937& random, Program program) {
  std::array<int, 2> begun{};
  ASSERT_EQ(::pipe(begun.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    (void)!::write(begun[1], "b", 1);
    program();
    ::_exit(0);
  }
  ::close(begun[1]);
  char byte = 0;
  EXPECT_EQ(::read(begun[0], &byte, 1), 1);
  ::close(begun[0]);
  ::usleep(static_cast<useconds_t>(random() % 12'000));  // the moment is what is tested
  ::kill(child, SIGKILL);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
}

void call_again_and_again(const std::string& socket, const std::string& name, unsigned seed) {
  ChannelClient channel(socket);
  if (channel.error() != 0 || channel.map() != 0) return;
  Caller caller(channel, 1);
  for (unsigned round = 0;; ++round) {
    const std::uint32_t handle = caller.find(name);
    if (handle == 0) continue;
    for (int i = 0; i < 20; ++i) {
      (void)caller.call(handle, 1, pattern((seed + round) % 4000, seed));
    }
  }
}

void serve_until_killed(const std::string& socket, const std::string& name) {
  ChannelClient channel(socket);
  if (channel.error() != 0 || channel.map() != 0) return;
  if (!Caller(channel, 1).add(name, 0x7000)) return;
  const std::atomic<bool> never = false;
  serve_echo(channel, never);
}

TEST(Kill, ClientsKilledAtAnyMomentLeaveNothing) {
  AgentProcess agent;
  const Counts before = agent.counts();
  std::mt19937 random(7);
  {
    EchoServer server(agent.socket(), "echo");
    for (unsigned round = 0; round < 200; ++round) {
      run_and_kill(random, [&] { call_again_and_again(agent.socket(), "echo", round); });
    }
  }
  expect_polite_programs_work(agent.socket());
  agent.expect_back_at(before);
}

TEST(Kill, ServersKilledAtAnyMomentEndTheirCallersCallsAndLeaveNothing) {
  AgentProcess agent;
  const Counts before = agent.counts();
  std::mt19937 random(8);
  {
    std::atomic<bool> stopping = false;
    std::atomic<int> answered = 0;
    std::atomic<int> ended = 0;
    std::atomic<int> wrong = 0;
    std::thread calling([&] {
      ChannelClient channel(agent.socket());
      EXPECT_EQ(channel.map(), 0);
      Caller caller(channel, 1);
      while (!stopping) {
        const std::uint32_t handle = caller.find("doomed");
        if (handle == 0) continue;
        const std::vector<std::byte> sent = pattern(700, 3);
        for (;;) {
          const Caller::Answer answer = caller.call(handle, 1, sent);
          if (answer.command != BR_REPLY) break;
          if (answer.data != sent) ++wrong;
          ++answered;
          if (stopping) break;
        }
        ++ended;
        (void)channel.write_read(1, Stream().put(BC_RELEASE, handle).bytes(), 0);
      }
    });
    for (unsigned round = 0; round < 150; ++round) {
      run_and_kill(random, [&] { serve_until_killed(agent.socket(), "doomed"); });
    }
    stopping = true;
    calling.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_GT(answered, 0);
    EXPECT_GT(ended, 0);
  }
  expect_polite_programs_work(agent.socket());
  agent.expect_back_at(before);
}

}  // namespace
}  // namespace netbinder::testing
