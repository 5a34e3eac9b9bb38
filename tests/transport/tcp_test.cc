// SPDX-License-Identifier: Apache-2.0
//
// Tests particular to TCP: connections of strangers, and addresses.
#include <gtest/gtest.h>

#include <boost/asio.hpp>
#include <random>

#include "tests/transport/recorder.h"
#include "tests/transport/stranger.h"
#include "tests/transport/tcp_cluster.h"
#include "transport/codec.h"
#include "transport/tcp/address.h"

namespace netbinder {
namespace {

std::vector<std::byte> text(std::string_view characters) {
  std::vector<std::byte> bytes(characters.size());
  std::memcpy(bytes.data(), characters.data(), characters.size());
  return bytes;
}

frame::Hello hello(std::uint32_t host, const std::string& name, const std::string& cluster) {
  return {.cluster = cluster,
          .host = HostId(host),
          .host_name = name,
          .incarnation = Incarnation(5),
          .peer = HostId(1),
          .peer_incarnation = {},
          .session = {},
          .received = {},
          .nonce = {1}};
}

class TcpTest : public ::testing::Test {
 protected:
  void connect() {
    one_ = &cluster_.add(1);
    two_ = &cluster_.add(2);
    cluster_.start();
    ASSERT_TRUE(cluster_.run_until([&] { return one_->sees(2) && two_->sees(1); }));
  }
  // Whatever happened, the two agents go on in their first session.
  void expect_unharmed() {
    const auto before = two_->messages(1).size();
    one_->send(2, numbered_call(1, 100));
    one_->flush();
    EXPECT_TRUE(cluster_.run_until([&] { return two_->messages(1).size() > before; }));
    EXPECT_EQ(one_->peer(2).sessions, 1);
    EXPECT_EQ(one_->status(2).reconnects, 0U);
  }

  TcpCluster cluster_;
  TcpCluster::Host* one_ = nullptr;
  TcpCluster::Host* two_ = nullptr;
};

TEST_F(TcpTest, GarbageIsDisconnectedAndHurtsNobody) {
  connect();
  std::mt19937 random(3);
  for (int i = 0; i < 50; ++i) {
    Stranger stranger(cluster_.io(), cluster_.port(1));
    std::vector<std::byte> garbage(16 + random() % 100000);
    for (auto& byte : garbage) byte = static_cast<std::byte>(random());
    stranger.write(i == 0 ? text("GET / HTTP/1.1\r\nHost: x\r\n\r\n") : std::move(garbage));
    EXPECT_TRUE(cluster_.run_until([&] { return stranger.closed(); }));
  }
  expect_unharmed();
}

TEST_F(TcpTest, AStrangerThatIsNoGreeterIsDisconnected) {
  connect();
  for (const Frame& frame :
       {Frame(frame::Ack{Sequence(1)}),
        Frame(frame::Message{Sequence(1), Sequence(0), peer::NodeDied{NodeNumber(1)}}),
        Frame(frame::Goodbye{})}) {
    Stranger stranger(cluster_.io(), cluster_.port(1));
    stranger.write(frame);
    EXPECT_TRUE(cluster_.run_until([&] { return stranger.closed(); }));
  }
  // Longer than a greeting may be, though a session's frames may.
  Stranger stranger(cluster_.io(), cluster_.port(1));
  std::vector<std::byte> prefix(16);
  prefix[2] = std::byte{1};
  stranger.write(prefix);
  EXPECT_TRUE(cluster_.run_until([&] { return stranger.closed(); }));
  expect_unharmed();
}

TEST_F(TcpTest, WrongGreetingsAreRefusedWithAReason) {
  connect();
  const std::pair<frame::Hello, RefuseReason> cases[] = {
      {hello(2, "host2", "other"), RefuseReason::kCluster},
      {hello(2, "host3", "test"), RefuseReason::kHostName},
      {hello(9, "host9", "test"), RefuseReason::kUnknownHost},
      {hello(1, "host1", "test"), RefuseReason::kUnknownHost},
  };
  for (const auto& [greeting, reason] : cases) {
    Stranger stranger(cluster_.io(), cluster_.port(1));
    stranger.write(greeting);
    ASSERT_TRUE(cluster_.run_until([&] { return stranger.closed(); }));
    const auto answer = stranger.answer();
    ASSERT_TRUE(answer && std::holds_alternative<frame::Refuse>(*answer));
    EXPECT_EQ(std::get<frame::Refuse>(*answer).reason, reason);
  }
  expect_unharmed();
}

// A program of this machine that says it is host 2, and does not know the key.
TEST_F(TcpTest, AStrangerIsNoHostAndDisplacesNone) {
  connect();
  for (const char* key : {"", "another key"}) {
    Stranger stranger(cluster_.io(), cluster_.port(1));
    stranger.greet(hello(2, "host2", "test"), ClusterKey(key),
                   [this](const auto& condition) { return cluster_.run_until(condition); });
    ASSERT_TRUE(cluster_.run_until([&] { return stranger.closed(); }));
    const Frame last = stranger.answers().back();
    ASSERT_TRUE(std::holds_alternative<frame::Refuse>(last));
    EXPECT_EQ(std::get<frame::Refuse>(last).reason, RefuseReason::kKey);
  }
  expect_unharmed();
}

TEST_F(TcpTest, ANameThatWouldSpoilTheLogIsNone) {
  connect();
  Stranger stranger(cluster_.io(), cluster_.port(1));
  stranger.write(hello(2, "host2\nforged line", "test"));
  ASSERT_TRUE(cluster_.run_until([&] { return stranger.closed(); }));
  EXPECT_FALSE(stranger.answer());
  expect_unharmed();
}

TEST_F(TcpTest, SilentConnectionsAreClosedInTime) {
  connect();
  Stranger silent(cluster_.io(), cluster_.port(1));
  Stranger slow(cluster_.io(), cluster_.port(1));
  slow.write(text("\x40"));
  EXPECT_TRUE(cluster_.run_until([&] { return silent.closed() && slow.closed(); }));
  expect_unharmed();
}

TEST_F(TcpTest, ManySilentConnectionsDoNotKeepAPeerOut) {
  cluster_.configure = [](TransportConfig& config) { config.timing.handshake_ms = 60'000; };
  connect();
  std::list<Stranger> strangers;
  for (std::size_t i = 0; i < limits::kMaxPendingHandshakes + 10; ++i) {
    strangers.emplace_back(cluster_.io(), cluster_.port(1));
  }
  EXPECT_TRUE(cluster_.run_until([&] {
    return std::ranges::count_if(strangers, [](const auto& s) { return s.closed(); }) == 10;
  }));
  cluster_.cut(1);
  EXPECT_TRUE(cluster_.run_until([&] { return one_->status(2).reconnects == 1; }));
}

// The link of a session is taken by its peer, but what comes on it is not what a peer may send.
TEST_F(TcpTest, GarbageInsideASessionEndsIt) {
  one_ = &cluster_.add(1);
  auto& absent = cluster_.add(2);
  (void)absent;
  cluster_.hold(1, true);  // only the stranger reaches host 1
  cluster_.start();
  Stranger stranger(cluster_.io(), cluster_.port(1));
  stranger.greet(hello(2, "host2", "test"), ClusterKey(Cluster::kKey),
                 [this](const auto& condition) { return cluster_.run_until(condition); });
  ASSERT_TRUE(cluster_.run_until([&] { return one_->sees(2); }));
  stranger.write(text("this is not a frame, and long enough to be one"));
  EXPECT_TRUE(cluster_.run_until([&] { return stranger.closed() && one_->peer(2).losses == 1; }));
}

TEST(TcpAddress, IsParsed) {
  EXPECT_EQ(boost::asio::ip::tcp::v4(), tcp::parse_address("127.0.0.1:5")->endpoint()->protocol());
  EXPECT_EQ(boost::asio::ip::tcp::v6(), tcp::parse_address("[::1]:5")->endpoint()->protocol());
  EXPECT_FALSE(tcp::parse_address("alpha.example:65535")->endpoint());
  EXPECT_EQ(tcp::to_string(*tcp::parse_address("[::1]:5")->endpoint()), "[::1]:5");
  for (const char* bad : {"", "1.2.3.4", "1.2.3.4:", "1.2.3.4:x", "1.2.3.4:65536", "1.2.3.4:5x",
                          ":5", "::1:5", "[::1:5", "[1.2.3.4]:5", "[]:5"}) {
    EXPECT_FALSE(tcp::parse_address(bad)) << bad;
  }
}

TransportConfig config_of_one(const std::string& listen, const std::string& peer) {
  TransportConfig config;
  config.host = HostId(1);
  config.host_name = "host1";
  config.incarnation = Incarnation(1);
  config.listen_address = listen;
  config.cluster_key = Cluster::kKey;
  config.peers = {{HostId(2), "host2", peer}};
  return config;
}

TEST(TcpSecurity, NetworkAddressesNeedCertificatesOrInsecurity) {
  boost::asio::io_context io;
  Recorder recorder;
  const auto refused = [&](const TransportConfig& config) -> std::string {
    try {
      TcpTransport transport(io, config, recorder);
      return "";
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
  };
  EXPECT_EQ(refused(config_of_one("127.0.0.1:0", "[::1]:1")), "");
  EXPECT_NE(refused(config_of_one("0.0.0.0:0", "127.0.0.1:1")).find("insecure"), std::string::npos);
  EXPECT_NE(refused(config_of_one("127.0.0.1:0", "10.0.0.1:1")).find("insecure"),
            std::string::npos);
  auto config = config_of_one("0.0.0.0:0", "10.0.0.1:1");
  config.insecure = true;
  EXPECT_EQ(refused(config), "");
  config = config_of_one("127.0.0.1:0", "127.0.0.1:1");
  config.cluster_key.clear();
  EXPECT_NE(refused(config).find("cluster_key"), std::string::npos) << "on loopback, too";
  config.insecure = true;
  EXPECT_EQ(refused(config), "");
  EXPECT_NE(refused(config_of_one("127.0.0.1", "127.0.0.1:1")).find("port"), std::string::npos);
  config = config_of_one("127.0.0.1:0", "127.0.0.1:1");
  config.peers.push_back({HostId(1), "host1", "127.0.0.1:2"});
  EXPECT_NE(refused(config), "");
}

TEST(TcpSecurity, AnAddressInUseIsAnErrorOfStart) {
  boost::asio::io_context io;
  Recorder recorder;
  TcpTransport first(io, config_of_one("127.0.0.1:0", "127.0.0.1:1"), recorder);
  first.start();
  TcpTransport second(
      io, config_of_one("127.0.0.1:" + std::to_string(first.listen_port()), "127.0.0.1:1"),
      recorder);
  try {
    second.start();
    ADD_FAILURE() << "two listen on one address";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::address_in_use);
  }
}

TEST(TcpTransportLife, MayEndAtAnyMoment) {
  const Received call = numbered_call(1, 3000000);
  for (int turns = 0; turns < 60; ++turns) {
    boost::asio::io_context io;
    Recorder one_recorder;
    Recorder two_recorder;
    auto one_config = config_of_one("127.0.0.1:0", "127.0.0.1:1");
    auto one = std::make_unique<TcpTransport>(io, one_config, one_recorder);
    one->start();
    TransportConfig two_config;
    two_config.host = HostId(2);
    two_config.host_name = "host2";
    two_config.incarnation = Incarnation(2);
    two_config.cluster_key = Cluster::kKey;
    two_config.peers = {{HostId(1), "host1", "localhost:" + std::to_string(one->listen_port())}};
    auto two = std::make_unique<TcpTransport>(io, two_config, two_recorder);
    two->start();
    two_recorder.on_established = [&](HostId) {
      two->send(HostId(1), call.message, call.payload);
      two->flush();
    };
    for (int i = 0; i < turns; ++i) io.run_one_for(std::chrono::milliseconds(1));
    (turns % 2 == 0 ? one : two).reset();
    io.poll();
    one.reset();
    two.reset();
    io.poll();
  }
}

}  // namespace
}  // namespace netbinder
