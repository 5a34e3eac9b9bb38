// SPDX-License-Identifier: Apache-2.0
//
// Strangers at the agent's socket: each of them harms only itself.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>

#include "tests/agent/agent_process.h"
#include "tests/agent/channel_client.h"
#include "tests/agent/polite_pair.h"

namespace netbinder::testing {
namespace {

class Handshake : public ::testing::Test {
 protected:
  void TearDown() override {
    expect_polite_programs_work(agent_.socket());
    agent_.expect_back_at(before_);
  }
  // Sends bytes as the first message, and checks that they are refused as a breach of the protocol.
  void expect_refused(const void* bytes, std::size_t size) {
    const int fd = connect_to(agent_.socket());
    ASSERT_EQ(::send(fd, bytes, size, MSG_NOSIGNAL), static_cast<ssize_t>(size));
    const auto reply = receive_hello_reply(fd);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->error, -EPROTO);
    EXPECT_TRUE(is_hung_up(fd));
    ::close(fd);
  }

  AgentProcess agent_;
  const Counts before_ = agent_.counts();
};

TEST_F(Handshake, GarbageIsRefused) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    std::array<std::uint32_t, sizeof(Hello) / 4> garbage;
    for (std::uint32_t& word : garbage) word = static_cast<std::uint32_t>(random());
    expect_refused(garbage.data(), sizeof garbage);
  }
}

TEST_F(Handshake, AHelloThatIsTooShortOrTooLongIsRefused) {
  const Hello hello = hello_with();
  for (const std::size_t size : {std::size_t{1}, std::size_t{4}, sizeof hello - 1}) {
    expect_refused(&hello, size);
  }
  std::array<std::byte, sizeof(Hello) + 1> longer{};
  std::memcpy(longer.data(), &hello, sizeof hello);
  expect_refused(longer.data(), longer.size());
  const std::vector<std::byte> huge(100'000);
  expect_refused(huge.data(), huge.size());
}

TEST_F(Handshake, AVersionThatIsNotSpokenIsRefusedInWords) {
  Hello hello = hello_with();
  hello.version = kOldestChannelVersion - 1;
  expect_refused(&hello, sizeof hello);
  hello.version = hello.oldest_version = kChannelVersion + 1;
  expect_refused(&hello, sizeof hello);
  const std::string words = "its shim speaks version 8 of the channel, this agent 9 to 10";
  EXPECT_TRUE(
      eventually("the log says it", [&] { return agent_.folder().read("log").contains(words); }));
  const auto status = nlohmann::json::parse(agent_.status_line("{\"command\":\"status\"}\n"));
  const nlohmann::json& versions = status["channel_versions"];
  EXPECT_EQ(versions["refused_programs"], 2);
  EXPECT_EQ(versions["last_refused_version"], 11);
  EXPECT_EQ(versions["last_refused_pid"], ::getpid());
}

TEST_F(Handshake, VersionsThatContradictThemselvesAreRefused) {
  Hello hello = hello_with();
  hello.version = 0;
  expect_refused(&hello, sizeof hello);
  hello.version = kOldestChannelVersion;  // with the size of a newer one
  expect_refused(&hello, sizeof hello);
  hello.version = kChannelVersion;  // with the size of an older one
  expect_refused(&hello, kHelloBytesOf9);
  hello.oldest_version = kChannelVersion + 1;
  expect_refused(&hello, sizeof hello);
  hello.version = kChannelVersion + 1;
  expect_refused(&hello, kHelloBytesOf9);
}

TEST_F(Handshake, AProgramOfTheVersionBeforeIsServed) {
  Hello hello = hello_with();
  hello.version = 9;
  const int fd = connect_to(agent_.socket());
  ASSERT_EQ(::send(fd, &hello, 120, MSG_NOSIGNAL), 120);
  std::array<int, kHelloDescriptors> descriptors{-1, -1, -1, -1};
  const auto reply = receive_hello_reply(fd, &descriptors);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->version, 9U);
  EXPECT_EQ(reply->error, 0);
  EXPECT_EQ(reply->channel_bytes, kChannelBytes);
  for (const int each : descriptors) EXPECT_EQ(::close(each), 0);
  ::close(fd);
}

TEST_F(Handshake, AProgramOfANewerVersionThatSpeaksThisOneIsServed) {
  std::array<std::byte, 200> packet{};
  packet.fill(std::byte{0xff});  // what the newer version has added
  Hello hello = hello_with();
  hello.version = kChannelVersion + 1;
  hello.oldest_version = kChannelVersion;
  std::memcpy(packet.data(), &hello, sizeof hello);
  const int fd = connect_to(agent_.socket());
  ASSERT_EQ(::send(fd, packet.data(), packet.size(), MSG_NOSIGNAL), ssize_t{packet.size()});
  const auto reply = receive_hello_reply(fd);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->version, kChannelVersion);
  EXPECT_EQ(reply->error, 0);
  ::close(fd);
}

TEST_F(Handshake, AnUnknownContextIsEnxio) {
  EXPECT_EQ(ChannelClient(agent_.socket(), "nobinder").error(), -ENXIO);
  EXPECT_EQ(ChannelClient(agent_.socket(), "").error(), -ENXIO);
  EXPECT_EQ(ChannelClient(agent_.socket(), std::string(64, 'x')).error(), -ENXIO);
}

TEST_F(Handshake, AHangUpWithoutAHelloIsForgotten) {
  for (int round = 0; round < 100; ++round) ::close(connect_to(agent_.socket()));
  const int empty = connect_to(agent_.socket());
  EXPECT_EQ(::send(empty, "", 0, MSG_NOSIGNAL), 0);
  EXPECT_TRUE(is_hung_up(empty));
  ::close(empty);
}

TEST_F(Handshake, AHangUpBeforeTheReplyIsForgotten) {
  for (int round = 0; round < 50; ++round) {
    const int gone = connect_to(agent_.socket());
    const Hello fine = hello_with();
    ASSERT_EQ(::send(gone, &fine, sizeof fine, MSG_NOSIGNAL), ssize_t{sizeof fine});
    ::close(gone);
  }
}

TEST_F(Handshake, WritingToTheBinderDescriptorHasNoEffect) {
  ChannelClient other(agent_.socket());
  ASSERT_EQ(other.error(), 0);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, sizeof(Hello), std::size_t{50'000}}) {
    ChannelClient writer(agent_.socket());
    ASSERT_EQ(writer.error(), 0);
    const std::vector<std::byte> garbage(size, std::byte{0xa5});
    for (int message = 0; message < 3; ++message) {
      EXPECT_EQ(::send(writer.socket(), garbage.data(), size, MSG_NOSIGNAL),
                static_cast<ssize_t>(size));
    }
    EXPECT_EQ(writer.control(1, BINDER_VERSION), 0);
  }
  EXPECT_EQ(other.control(1, BINDER_VERSION), 0);
}

TEST_F(Handshake, SilentConnectionsKeepNobodyOutAndCostNoTime) {
  std::vector<int> silent;
  for (int i = 0; i < 400; ++i) silent.push_back(connect_to(agent_.socket()));
  expect_polite_programs_work(agent_.socket());
  // The agent sleeps even though the connection has not said Hello.
  const std::uint64_t switches = agent_.context_switches();
  const std::uint64_t before = agent_.run_time_ns();
  ::usleep(200'000);  // the interval that is measured
  EXPECT_LT(agent_.run_time_ns() - before, 100'000'000U);
  EXPECT_LT(agent_.context_switches() - switches, 400U);
  for (const int fd : silent) ::close(fd);
}

TEST_F(Handshake, AThousandDescriptorsAreOpenedAndDropped) {
  for (int i = 0; i < 1000; ++i) {
    ChannelClient client(agent_.socket());
    ASSERT_EQ(client.error(), 0);
    if (i % 10 == 0) {
      ASSERT_EQ(client.map(), 0);
    }
  }
}

TEST_F(Handshake, AThousandDescriptorsAreOpenAtOnce) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  ASSERT_GE(limit.rlim_max, 7000U) << "NOT RUN: the system allows too few descriptors";
  std::vector<std::unique_ptr<ChannelClient>> clients;
  for (int i = 0; i < 1000; ++i) {
    clients.push_back(std::make_unique<ChannelClient>(agent_.socket()));
    ASSERT_EQ(clients.back()->error(), 0) << i;
  }
  EXPECT_EQ(agent_.counts().processes, before_.processes + 1000);
  for (auto& client : clients) ASSERT_EQ(client->control(1, BINDER_VERSION), 0);
  expect_polite_programs_work(agent_.socket());
}

TEST(HandshakeLimits, OneProcessTooManyIsRefusedAndTheOthersGoOn) {
  AgentProcess agent("[limits]\nmax_processes = 8\n");
  const Counts before = agent.counts();
  {
    std::vector<std::unique_ptr<ChannelClient>> clients;
    int refused = 0;
    for (int i = 0; i < 10; ++i) {
      clients.push_back(std::make_unique<ChannelClient>(agent.socket()));
      if (clients.back()->error() != 0) {
        EXPECT_EQ(clients.back()->error(), -EMFILE);
        ++refused;
      }
    }
    EXPECT_GE(refused, 2);
    EXPECT_EQ(clients.front()->control(1, BINDER_VERSION), 0);
  }
  expect_polite_programs_work(agent.socket());
  agent.expect_back_at(before);
}

TEST(HandshakeAdmin, NonsenseOnTheAdminSocketIsAnsweredOrCutOff) {
  AgentProcess agent;
  const Counts before = agent.counts();
  EXPECT_NE(agent.status_line("nonsense\n").find("error"), std::string::npos);
  EXPECT_NE(agent.status_line("[]\n").find("error"), std::string::npos);
  EXPECT_NE(agent.status_line("{\"command\":\"\\ud800\"}\n").find("error"), std::string::npos);
  EXPECT_NE(agent.status_line("{\"command\":\"\xff\xfe\"}\n").find("error"), std::string::npos);
  EXPECT_NE(agent.status_line("{\"command\":7}\n").find("error"), std::string::npos);
  EXPECT_NE(agent.status_line(std::string(60'000, '[') + "\n").find("error"), std::string::npos);
  EXPECT_EQ(agent.status_line(std::string(200'000, 'x')), "");
  expect_polite_programs_work(agent.socket());
  agent.expect_back_at(before);
}

}  // namespace
}  // namespace netbinder::testing
