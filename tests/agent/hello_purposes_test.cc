// SPDX-License-Identifier: Apache-2.0
//
// Hellos that ask for something other than an open, and descriptors that are passed along.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "channel/side_socket.h"
#include "tests/agent/agent_process.h"
#include "tests/agent/channel_client.h"
#include "tests/agent/polite_pair.h"

namespace netbinder::testing {
namespace {

void send_with(int socket, const void* bytes, std::size_t size, const std::vector<int>& fds) {
  iovec part{.iov_base = const_cast<void*>(bytes), .iov_len = size};
  std::vector<char> control(CMSG_SPACE(fds.size() * sizeof(int)));
  msghdr packet{};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  if (!fds.empty()) {
    packet.msg_control = control.data();
    packet.msg_controllen = control.size();
    cmsghdr* rights = CMSG_FIRSTHDR(&packet);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(rights), fds.data(), fds.size() * sizeof(int));
  }
  ASSERT_EQ(::sendmsg(socket, &packet, MSG_NOSIGNAL), static_cast<ssize_t>(size));
}

class HelloPurposes : public ::testing::Test {
 protected:
  void TearDown() override {
    expect_polite_programs_work(agent_.socket());
    agent_.expect_back_at(before_);
  }
  // The answer to a Hello of that purpose. Its first descriptor goes to `fd`, the others are
  // closed.
  HelloReply ask(std::uint32_t purpose, const std::string& name,
                 const std::vector<int>& passed = {}, int* fd = nullptr) {
    Hello hello = hello_with(name);
    hello.purpose = static_cast<HelloPurpose>(purpose);
    const int socket = connect_to(agent_.socket());
    send_with(socket, &hello, sizeof hello, passed);
    std::array<int, kHelloDescriptors> fds{-1, -1, -1, -1};
    const auto reply = receive_hello_reply(socket, &fds);
    EXPECT_TRUE(reply);
    ::close(socket);
    if (fd != nullptr) *fd = std::exchange(fds[0], -1);
    for (const int other : fds) {
      if (other >= 0) ::close(other);
    }
    return reply.value_or(HelloReply{});
  }

  AgentProcess agent_;
  const Counts before_ = agent_.counts();
};

TEST_F(HelloPurposes, AnUnknownOneIsRefused) {
  for (const std::uint32_t purpose : {6U, 7U, 0x80000000U, 0xFFFFFFFFU}) {
    EXPECT_EQ(ask(purpose, "binder").error, -EPROTO);
  }
}

TEST_F(HelloPurposes, DebugFilesComeReadOnly) {
  int fd = -1;
  const HelloReply reply = ask(kHelloDebugFile, "state", {}, &fd);
  EXPECT_EQ(reply.error, 0);
  EXPECT_EQ(reply.descriptors, 1U);
  std::array<char, 14> start{};
  EXPECT_EQ(::read(fd, start.data(), start.size()), 14);
  EXPECT_EQ(std::string(start.data(), start.size()), "binder state:\n");
  EXPECT_EQ(::write(fd, "x", 1), -1);
  EXPECT_EQ(::ftruncate(fd, 0), -1);
  ::close(fd);
}

TEST_F(HelloPurposes, DebugFilesThatDoNotExistAreEnoent) {
  for (const char* name : {"", "State", "state/", "../state", "proc", "proc/x", "proc/0", "proc/-1",
                           "proc/1", "proc/99999999999999999999"}) {
    EXPECT_EQ(ask(kHelloDebugFile, name).error, -ENOENT) << name;
  }
  EXPECT_EQ(ask(kHelloDebugFile, std::string(64, 'x')).error, -ENOENT);  // no final zero
}

TEST_F(HelloPurposes, DevicesAreFoundByName) {
  EXPECT_EQ(ask(kHelloFindDevice, "hwbinder").error, 0);
  EXPECT_EQ(ask(kHelloFindDevice, "other").error, -ENXIO);
  EXPECT_EQ(ask(kHelloFindDevice, std::string(64, 'x')).error, -ENXIO);
}

TEST_F(HelloPurposes, DevicesAreAddedUntilThereAreTooMany) {
  int added = 0;
  HelloReply reply;
  do {
    reply = ask(kHelloAddDevice, "added" + std::to_string(added));
  } while (reply.error == 0 && ++added < 1000);
  EXPECT_EQ(reply.error, -ENOSPC);
  EXPECT_EQ(added, 256 - 3);
  EXPECT_EQ(ask(kHelloFindDevice, "added0").error, 0);
}

TEST_F(HelloPurposes, ADeviceWhoseNameIsNoTextIsShownAsFarAsItIs) {
  ASSERT_EQ(ask(kHelloAddDevice, "caf\xe9").error, 0);
  EXPECT_EQ(ask(kHelloFindDevice, "caf\xe9").error, 0);
  for (const char* command : {"status", "devices/"}) {
    const std::string answer =
        agent_.status_line("{\"command\":\"" + std::string(command) + "\"}\n");
    EXPECT_TRUE(answer.contains("caf\xef\xbf\xbd")) << answer;
  }
}

TEST_F(HelloPurposes, OnlyADescriptorOfAChannelIsAttached) {
  EXPECT_EQ(ask(kHelloAttach, "").error, -EBADF);
  const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int stranger = connect_to(agent_.socket());  // no channel: it has not said Hello
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
  for (const int fd : {file, stranger, pair[0]}) {
    EXPECT_EQ(ask(kHelloAttach, "", {fd}).error, -EBADF);
    ::close(fd);
  }
  ::close(pair[1]);
}

TEST_F(HelloPurposes, ADescriptorOfAChannelIsAttachedAndEndsWithItsChannel) {
  const Hello hello = hello_with();
  const int opened = connect_to(agent_.socket());
  send_with(opened, &hello, sizeof hello, {opened});
  const auto reply = receive_hello_reply(opened);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->error, 0);
  // Another program that shows it as its own gets a channel, but not this channel's identity.
  const int thief = connect_to(agent_.socket());
  send_with(thief, &hello, sizeof hello, {opened});
  ASSERT_TRUE(receive_hello_reply(thief));
  ::close(thief);

  const HelloReply attached = ask(kHelloAttach, "", {opened});
  EXPECT_EQ(attached.error, 0);
  EXPECT_EQ(attached.descriptors, 3U);
  EXPECT_STREQ(attached.device, "binder");
  ::close(opened);
}

TEST_F(HelloPurposes, MoreDescriptorsThanOneAreNotKept) {
  const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(ask(kHelloFindDevice, "binder", {file, file, file}).error, 0);
  EXPECT_EQ(ask(kHelloAttach, "", std::vector<int>(100, file)).error, -EBADF);
  ::close(file);
}

TEST_F(HelloPurposes, NonsenseOnTheSideSocketHarmsNobody) {
  ChannelClient client(agent_.socket(), "binder");
  ASSERT_EQ(client.error(), 0);
  const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  PassMessage message;
  message.mailbox = kMailboxes;  // there is none
  message.count = 1;
  send_with(client.side_socket(), &message, sizeof message, {file});
  message.mailbox = 0;
  message.count = 2;  // but one comes
  send_with(client.side_socket(), &message, sizeof message, {file});
  message.count = UINT32_MAX;
  send_with(client.side_socket(), &message, sizeof message, {});
  send_with(client.side_socket(), &message, 5, std::vector<int>(200, file));
  message.mailbox = 1;  // waits for a request that does not come
  message.count = 1;
  send_with(client.side_socket(), &message, sizeof message, {file});
  const std::vector<std::byte> nothing;
  EXPECT_EQ(client.write_read(1, nothing, kFlagPassedFiles), 0);
  EXPECT_EQ(client.write_read(1, nothing, kFlagPassedFiles), 0);  // none is there
  ::close(file);
}

// A process that waits until it is killed.
class Child {
 public:
  Child() : pid_(::fork()) {
    if (pid_ == 0) {
      for (;;) ::pause();
    }
  }
  ~Child() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

// A channel for another process, whose descriptor this one has shown as its own, too.
class Supervised : public HelloPurposes {
 protected:
  // Returns the channel's descriptor.
  int open_for_and_attach(pid_t subject) {
    Hello hello = hello_with("binder");
    hello.subject = subject;
    const int channel = connect_to(agent_.socket());
    send_with(channel, &hello, sizeof hello, {channel});
    const auto opened = receive_hello_reply(channel);
    EXPECT_TRUE(opened && opened->error == 0);
    for (int round = 0; round < 2; ++round) {
      EXPECT_EQ(ask(kHelloAttach, "", {channel}).error, 0);
    }
    return channel;
  }
};

TEST_F(Supervised, EndsOnceWithItsDescriptor) {
  const Child child;
  ::close(open_for_and_attach(child.pid()));
}

TEST_F(Supervised, EndsOnceIfItIsTheSupervisorsOwn) {
  ::close(open_for_and_attach(::getpid()));
}

TEST_F(Supervised, EndsOnceWithItsSupervisor) {
  int left[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, left), 0);
  const pid_t supervisor = ::fork();
  if (supervisor == 0) {
    {
      const Child child;
      const int channel = open_for_and_attach(child.pid());
      // A queue keeps the descriptor, so that the supervisor's end is what ends it.
      const char byte = 0;
      send_with(left[1], &byte, 1, {channel});
      ::close(channel);
      (void)open_for_and_attach(child.pid());
      (void)open_for_and_attach(::getpid());
    }
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(supervisor, &status, 0), supervisor);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(eventually("the channels end",
                         [&] { return agent_.counts().processes == before_.processes; }));
  ::close(left[0]);
  ::close(left[1]);
}

}  // namespace
}  // namespace netbinder::testing
