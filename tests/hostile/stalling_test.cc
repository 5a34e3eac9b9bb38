// SPDX-License-Identifier: Apache-2.0
//
// Programs that try to make the agent wait, or to keep it busy, while a polite pair of another user
// makes calls. The bounds on the pair's longest call are far above what it takes, for the sake of
// slow machines, and far below what the harm would take if it worked.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/wait.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "channel/scm_rights.h"
#include "tests/agent/channel_client.h"
#include "tests/agent/polite_pair.h"
#include "tests/hostile/other_user.h"

namespace netbinder::testing {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kEnoughCalls = 500;

class Stalling : public ::testing::Test {
 protected:
  Stalling() { open_to_everybody(agent_); }
  AgentProcess agent_;
};

// A TCP socket whose last close waits: it has unsent bytes, and lingers for `seconds`.
int lingering_socket(int seconds) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const int small = 1;
  (void)::setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener, 1) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return -1;
  }
  const int sender = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(sender, reinterpret_cast<sockaddr*>(&address), size) != 0) return -1;
  const linger waits{.l_onoff = 1, .l_linger = seconds};
  if (::setsockopt(sender, SOL_SOCKET, SO_LINGER, &waits, sizeof waits) != 0) return -1;
  const std::vector<char> bytes(1U << 20);
  while (::send(sender, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
  }
  return sender;  // nobody accepts the connection, or reads
}

void send_with(int socket, const void* bytes, std::size_t size, std::vector<int> fds) {
  iovec part{.iov_base = const_cast<void*>(bytes), .iov_len = size};
  RightsBuffer<kMaxRights> rights;
  msghdr packet{};
  packet.msg_iov = &part;
  packet.msg_iovlen = 1;
  attach_rights(packet, rights.bytes, fds);
  (void)::sendmsg(socket, &packet, MSG_NOSIGNAL);
}

// Each way in which a stranger's descriptor comes to the agent and is closed by it.
TEST_F(Stalling, TheCloseOfAStrangersSocketWaitsElsewhere) {
  constexpr int kSeconds = 2;
  const Signal sent;
  OtherUser user([&] {
    const auto give_away = [](int socket, const void* bytes, std::size_t size, int count) {
      std::vector<int> fds;
      for (int i = 0; i < count; ++i) fds.push_back(lingering_socket(kSeconds));
      send_with(socket, bytes, size, fds);
      for (const int fd : fds) ::close(fd);
    };
    give_away(connect_to(agent_.socket()), "x", 1, 3);         // no Hello
    const Hello hello = hello_with();
    give_away(connect_to(agent_.socket()), &hello, sizeof hello, 3);
    ::close(connect_to(agent_.socket()));
    const int dropped = connect_to(agent_.socket());
    give_away(dropped, "x", 1, 1);
    ::close(dropped);
    ChannelClient client(agent_.socket());
    give_away(client.socket(), "x", 1, 2);       // on the binder descriptor itself
    give_away(client.side_socket(), "x", 1, 2);  // on the side socket, no message of its own
    (void)client.control(1, BINDER_VERSION);
    const int admin = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)admin;
    sent.raise();
    return ::pause();
  });
  sent.wait();
  const PoliteTimes times = call_politely(agent_.socket(), kEnoughCalls);
  EXPECT_LT(times.longest_ns, 1000 * kMs);
  user.kill();
  EXPECT_LT(call_politely(agent_.socket(), kEnoughCalls).longest_ns, 1000 * kMs);
}

TEST_F(Stalling, OpensAndClosesWithoutEnd) {
  const auto loop = [&] {
    for (;;) {
      const int fd = connect_to(agent_.socket());
      const Hello hello = hello_with();
      (void)::send(fd, &hello, sizeof hello, MSG_NOSIGNAL);
      ::close(fd);
    }
    return 0;
  };
  OtherUser one(loop);
  OtherUser two(loop);
  EXPECT_LT(call_politely(agent_.socket(), kEnoughCalls).longest_ns, 1000 * kMs);
}

// Every mailbox has the longest write buffer there can be.
TEST_F(Stalling, LongWriteBuffersInEveryMailbox) {
  OtherUser user([&] {
    ChannelClient client(agent_.socket());
    if (client.map() != 0) return 2;
    Stream commands;
    while (commands.bytes().size() < kMaxCommandBytes - 8) {
      commands.put(BC_INCREFS, std::uint32_t{77});  // there is no such handle
    }
    constexpr std::uint32_t kAtOnce = 64;  // a gigabyte of address space would do no more
    for (;;) {
      for (std::uint32_t i = 0; i < kAtOnce; ++i) {
        client.begin_write_read(i, 100 + i, commands.bytes(), 0);
      }
      for (std::uint32_t i = 0; i < kAtOnce; ++i) (void)client.await(i);
    }
    return 0;
  });
  EXPECT_LT(call_politely(agent_.socket(), kEnoughCalls).longest_ns, 1000 * kMs);
}

// As many buffer objects as a payload can have.
TEST_F(Stalling, CallsWithTensOfThousandsOfObjects) {
  OtherUser user([&] {
    ChannelClient server(agent_.socket());
    ChannelClient client(agent_.socket());
    if (server.map(kMaxMapBytes) != 0 || client.map() != 0) return 2;
    if (!Caller(server, 1).add("large", 0x5000)) return 3;
    const std::uint32_t handle = Caller(client, 1).find("large");
    constexpr std::size_t kObjects = 40'000;
    std::vector<binder_buffer_object> objects(kObjects);
    std::vector<binder_size_t> offsets(kObjects);
    std::uint64_t word = 7;
    for (std::size_t i = 0; i < kObjects; ++i) {
      objects[i] = {.hdr = {.type = BINDER_TYPE_PTR},
                    .flags = 0,
                    .buffer = reinterpret_cast<binder_uintptr_t>(&word),
                    .length = sizeof word,
                    .parent = 0,
                    .parent_offset = 0};
      offsets[i] = i * sizeof(binder_buffer_object);
    }
    for (;;) {
      binder_transaction_data_sg data{};
      data.transaction_data.target.handle = handle;
      data.transaction_data.flags = TF_ONE_WAY;
      data.transaction_data.data_size = objects.size() * sizeof objects.front();
      data.transaction_data.offsets_size = offsets.size() * sizeof offsets.front();
      data.transaction_data.data.ptr.buffer = reinterpret_cast<binder_uintptr_t>(objects.data());
      data.transaction_data.data.ptr.offsets = reinterpret_cast<binder_uintptr_t>(offsets.data());
      data.buffers_size = kObjects * sizeof word;
      (void)client.write_read(1, Stream().put(BC_TRANSACTION_SG, data).bytes(),
                              kFlagReads | kFlagFreshRead | kFlagNonblocking);
    }
    return 0;
  });
  EXPECT_LT(call_politely(agent_.socket(), kEnoughCalls).longest_ns, 1000 * kMs);
}

// Opens that say that they close, and stay.
TEST_F(Stalling, ClosesThatAreAnnouncedAndDoNotCome) {
  const Signal done;
  OtherUser user([&] {
    std::vector<std::unique_ptr<ChannelClient>> clients;
    for (int i = 0; i < 1000; ++i) {
      clients.push_back(std::make_unique<ChannelClient>(agent_.socket()));
      if (clients.back()->error() != 0) break;
      Mailbox& box = clients.back()->mailbox(0);
      box.request = {};
      box.request.operation = kOpClose;
      clients.back()->set_state(0, kRequested);
    }
    done.raise();
    return ::pause();
  });
  done.wait();
  EXPECT_LT(call_politely(agent_.socket(), kEnoughCalls).longest_ns, 1000 * kMs);
}

// Anybody may ask for the state, as often as he likes.
TEST_F(Stalling, QuestionsAboutManyNodes) {
  const Signal ready;
  OtherUser user([&] {
    ChannelClient client(agent_.socket());
    if (client.map() != 0) return 2;
    for (std::uint64_t i = 0; i < 4000; ++i) {
      if (!Caller(client, 1).add("name", 0x1000 + i * 16)) return 3;
    }
    ready.raise();
    for (;;) (void)agent_.status_line("{\"command\":\"state\"}\n");
    return 0;
  });
  ready.wait();
  EXPECT_LT(call_politely(agent_.socket(), kEnoughCalls).longest_ns, 1000 * kMs);
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
