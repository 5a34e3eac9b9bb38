// SPDX-License-Identifier: Apache-2.0
#include "tests/hostile/other_user.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "tests/agent/channel_client.h"
#include "tests/agent/polite_pair.h"

namespace netbinder::testing {
namespace {

std::uint64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

void open_to_everybody(const AgentProcess& agent) {
  ASSERT_EQ(::chmod(agent.folder().path("").c_str(), 0755), 0);
  for (const std::string& socket : {agent.socket(), agent.socket() + ".admin"}) {
    ASSERT_EQ(::chmod(socket.c_str(), 0666), 0);
  }
}

OtherUser::OtherUser(const std::function<int()>& act) {
  if (::geteuid() != 0) throw std::runtime_error("NOT RUN: only root can become another user");
  pid_ = ::fork();
  if (pid_ != 0) return;
  const bool became = ::setgroups(0, nullptr) == 0 &&
                      ::setresgid(kOtherUser, kOtherUser, kOtherUser) == 0 &&
                      ::setresuid(kOtherUser, kOtherUser, kOtherUser) == 0;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // the kernel forgets it when the user changes
  ::_exit(became ? act() : 99);
}

OtherUser::~OtherUser() {
  if (pid_ > 0) kill();
}

void OtherUser::kill() {
  ::kill(pid_, SIGKILL);
  (void)wait();
}

int OtherUser::wait() {
  int status = 0;
  EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Signal::Signal() {
  if (::pipe(ends_) != 0) throw std::runtime_error("pipe");
}

Signal::~Signal() {
  ::close(ends_[0]);
  ::close(ends_[1]);
}

void Signal::raise() const { EXPECT_EQ(::write(ends_[1], "", 1), 1); }

void Signal::wait() const {
  char byte = 0;
  EXPECT_EQ(::read(ends_[0], &byte, 1), 1);
}

PoliteTimes call_politely(const std::string& socket, std::uint64_t enough,
                          const std::function<bool()>& done) {
  EchoServer server(socket, "polite");
  ChannelClient channel(socket);
  EXPECT_EQ(channel.error(), 0);
  EXPECT_EQ(channel.map(), 0);
  Caller caller(channel, 1);
  const std::uint32_t handle = caller.find("polite");
  PoliteTimes times;
  while (times.calls < enough || !done()) {
    const std::vector<std::byte> sent = pattern(64, static_cast<std::uint32_t>(times.calls));
    const std::uint64_t began = now_ns();
    const Caller::Answer answer = caller.call(handle, 1, sent);
    times.all_ns.push_back(now_ns() - began);
    times.longest_ns = std::max(times.longest_ns, times.all_ns.back());
    ++times.calls;
    EXPECT_EQ(answer.command, BR_REPLY);
    EXPECT_EQ(answer.data, sent);
    if (answer.command != BR_REPLY) break;
  }
  return times;
}

}  // namespace netbinder::testing
