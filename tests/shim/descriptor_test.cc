// SPDX-License-Identifier: Apache-2.0
// Opening, copying and closing, against the stand-in for the agent.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/android/binder.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "shim/closing.h"
#include "shim/connect.h"
#include "shim/descriptor_table.h"
#include "shim/driver_calls.h"
#include "tests/shim/fake_agent.h"

namespace netbinder {
namespace {

int open_device(const char* path = "/dev/binder", int flags = O_RDWR | O_CLOEXEC) {
  return open_binder(parse_device_path(path), flags);
}

int ask_version(int fd) {
  const DescriptorReference descriptor = find_binder_fd(fd);
  if (!descriptor) return -1;
  binder_version version{};
  const int result = ioctl_binder(*descriptor, fd, BINDER_VERSION, &version);
  return result == 0 ? version.protocol_version : -errno;
}

void wait_for(const std::function<bool()>& condition) {
  for (int i = 0; i < 1000 && !condition(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_TRUE(condition());
}

TEST(Open, NoAgent) {
  ::setenv("NETBINDER_SOCKET", "/nonexistent/socket", 1);
  ::setenv("NETBINDER_QUIET", "1", 1);
  errno = 0;
  EXPECT_EQ(open_device(), -1);
  EXPECT_EQ(errno, ENXIO);
  ::unsetenv("NETBINDER_SOCKET");
}

TEST(Open, RefusedByTheAgent) {
  const FakeAgent agent(answer_simple, FakeAgent::Refusal{.reply = {.error = -EMFILE}});
  errno = 0;
  EXPECT_EQ(open_device(), -1);
  EXPECT_EQ(errno, EMFILE);
}

// A program that an agent of other versions has refused says why. It says so once in a process, so
// each refusal has a process to itself.
void expect_words(const FakeAgent::Refusal& refusal, const char* words) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        const FakeAgent agent(answer_simple, refusal);
        ::unsetenv("NETBINDER_QUIET");
        const int fd = open_device();
        ::_exit(fd == -1 && errno == ENXIO ? 7 : 8);
      },
      ::testing::ExitedWithCode(7), words);
}

TEST(OpenDeathTest, AnAgentOfTheVersionBefore) {
  HelloReply reply;
  reply.version = 9;
  reply.error = -EPROTO;
  expect_words({.reply = reply, .bytes = kHelloReplyBytesOf9},
               "speaks versions 9 to 9 of the channel, this program's shim 9 to 10: install");
}

TEST(OpenDeathTest, AnAgentOfMuchLaterVersions) {
  HelloReply reply;
  reply.version = reply.newest_version = 12;
  reply.oldest_version = 11;
  reply.error = -EPROTO;
  expect_words({.reply = reply},
               "speaks versions 11 to 12 of the channel, this program's shim 9 to 10: install");
}

TEST(Open, SaysHello) {
  std::string context;
  std::string dialect;
  FakeAgent agent([&](FakeChannel& channel, std::uint32_t index) {
    context = channel.hello().name;
    dialect = channel.hello().dialect;
    answer_simple(channel, index);
  });
  ::setenv("NETBINDER_DIALECT", "android-14", 1);
  const int fd = open_device("/dev/hwbinder", O_RDWR | O_NONBLOCK);
  ::unsetenv("NETBINDER_DIALECT");
  ASSERT_GE(fd, 0);
  EXPECT_EQ(::fcntl(fd, F_GETFD), 0);
  EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(ask_version(fd), 8);
  EXPECT_EQ(close_descriptor(fd), 0);
  agent.stop();
  EXPECT_EQ(context, "hwbinder");
  EXPECT_EQ(dialect, "android-14");
}

TEST(Open, OwnDescriptorsAreOutOfTheWay) {
  FakeAgent agent(answer_simple);
  const int fd = open_device();
  EXPECT_LT(fd, 512);
  for (const HelloDescriptor which :
       {kHelloChannelMemory, kHelloDoorbell, kHelloSideSocket, kHelloArenaMemory}) {
    const int helper = find_binder_fd(fd)->helper(which);
    EXPECT_GE(helper, 512);
    EXPECT_NE(::fcntl(helper, F_GETFD) & FD_CLOEXEC, 0);
  }
  close_descriptor(fd);
}

TEST(Descriptors, LastCloseEndsIt) {
  FakeAgent agent(answer_simple);
  const int fd = open_device();
  const int copy = ::dup(fd);
  note_copy(fd, copy);
  EXPECT_EQ(close_descriptor(fd), 0);
  EXPECT_FALSE(is_binder_fd(fd));
  EXPECT_EQ(ask_version(copy), 8);
  EXPECT_EQ(agent.hang_ups(), 0);
  EXPECT_EQ(close_descriptor(copy), 0);
  wait_for([&] { return agent.hang_ups() == 1; });
  errno = 0;
  EXPECT_EQ(close_descriptor(copy), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST(Descriptors, NothingIsLeftBehind) {
  FakeAgent agent(answer_simple);
  const auto count = [] {
    int open = 0;
    for (int fd = 0; fd < 1024; ++fd) open += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    return open;
  };
  const int before = count();
  for (int i = 0; i < 50; ++i) {
    const int fd = open_device();
    ASSERT_EQ(ask_version(fd), 8);
    close_descriptor(fd);
  }
  wait_for([&] { return agent.hang_ups() == 50 && count() == before; });
}

TEST(Descriptors, HelpersAreProtected) {
  FakeAgent agent(answer_simple);
  const int fd = open_device();
  const int helper = find_binder_fd(fd)->helper(kHelloDoorbell);
  ASSERT_TRUE(is_helper_fd(helper));
  errno = 0;
  EXPECT_EQ(close_descriptor(helper), -1);
  EXPECT_EQ(errno, EBADF);
  EXPECT_TRUE(vacate_descriptor(helper));
  EXPECT_FALSE(is_helper_fd(helper));
  ASSERT_EQ(::dup2(0, helper), helper);
  EXPECT_NE(find_binder_fd(fd)->helper(kHelloDoorbell), helper);
  EXPECT_EQ(ask_version(fd), 8);
  EXPECT_EQ(close_descriptor(helper), 0);
  // All but the lowest ones.
  EXPECT_EQ(close_descriptors(static_cast<unsigned>(fd) + 1, 4000, 0) == 0, true);
  EXPECT_EQ(ask_version(fd), 8);
  close_descriptor(fd);
}

TEST(Descriptors, ClosedBehindOurBack) {
  FakeAgent agent(answer_simple);
  const int fd = open_device();
  ::close(fd);
  const int other = ::dup(0);
  ASSERT_EQ(other, fd);
  EXPECT_FALSE(is_still_binder(fd, *find_binder_fd(fd)));
  EXPECT_EQ(close_descriptor(fd), 0);
  EXPECT_FALSE(is_binder_fd(fd));
  EXPECT_LT(::fcntl(fd, F_GETFD), 0);
}

TEST(Descriptors, ACopyMadeBehindOurBackIsTheSame) {
  const FakeAgent agent(answer_simple);
  const int fd = open_device();
  ASSERT_GE(fd, 0);
  const int copy = static_cast<int>(::syscall(SYS_dup, fd));
  EXPECT_EQ(ask_version(copy), -1);  // not known yet
  {
    const DescriptorReference attached = attach_binder(copy);
    EXPECT_EQ(attached.get(), find_binder_fd(fd).get());
  }
  EXPECT_EQ(ask_version(copy), BINDER_CURRENT_PROTOCOL_VERSION);
  close_descriptor(fd);
  EXPECT_EQ(ask_version(copy), BINDER_CURRENT_PROTOCOL_VERSION);
  close_descriptor(copy);
}

TEST(Descriptors, ACallThatMeetsTheCloseFailsWithEbadf) {
  const FakeAgent agent(answer_simple);
  const int fd = open_device();
  ASSERT_GE(fd, 0);
  const DescriptorReference under_way = find_binder_fd(fd);
  const int number = static_cast<int>(::syscall(SYS_dup, fd));  // as long as it is not closed yet
  close_descriptor(fd);
  const DescriptorReference met = attach_binder(number);
  ASSERT_TRUE(met);
  EXPECT_EQ(met.get(), under_way.get());
  binder_version version{};
  EXPECT_EQ(ioctl_binder(*met, number, BINDER_VERSION, &version), -1);
  EXPECT_EQ(errno, EBADF);
  EXPECT_FALSE(is_binder_fd(number));
  ::syscall(SYS_close, number);
}

TEST(Descriptors, NoOtherFileIsAttached) {
  const FakeAgent agent(answer_simple);
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
  const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  for (const int fd : {pair[0], pair[1], file, -1}) {
    errno = 0;
    EXPECT_FALSE(attach_binder(fd));
    EXPECT_EQ(errno, 0);
    if (fd >= 0) ::close(fd);
  }
}

TEST(Descriptors, AChildOfForkHasItsOwn) {
  FakeAgent agent(answer_simple);
  const int fd = open_device();
  EXPECT_EQ(ask_version(fd), 8);
  EXPECT_EQ(agent.identities(), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const bool works = ask_version(fd) == 8;
    const bool closes = close_descriptor(fd) == 0 && !is_binder_fd(fd);
    ::_exit(works && closes ? 0 : 1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(agent.identities(), 1);  // it has said that it has the descriptor
  EXPECT_EQ(ask_version(fd), 8);
  EXPECT_EQ(agent.hang_ups(), 0);
  close_descriptor(fd);
  wait_for([&] { return agent.hang_ups() == 1; });
}

}  // namespace
}  // namespace netbinder
