// SPDX-License-Identifier: Apache-2.0
//
// Peers that are let in, and peers that are not. The conformance suite in transport_test.cc shows
// that sessions over TLS behave like others.
#include <gtest/gtest.h>

#include "tests/transport/tcp_cluster.h"
#include "tests/transport/test_certificates.h"

namespace netbinder {
namespace {

class TlsTest : public ::testing::Test {
 protected:
  // Hosts 1 and 2, host 2 with this; whether they have met after a while.
  bool meet(const TlsConfig& second) {
    TcpCluster cluster;
    cluster.configure = [&](TransportConfig& config) {
      config.tls = config.host == HostId(1) ? certificates_.issue("host1") : second;
    };
    auto& one = cluster.add(1);
    auto& two = cluster.add(2);
    cluster.start();
    // Refusals show when the dialer has tried a second time.
    cluster.run_until([&] { return (one.sees(2) && two.sees(1)) || cluster.links_to(1) > 2; });
    EXPECT_EQ(one.sees(2), two.sees(1));
    return one.sees(2);
  }

  TestCertificates certificates_;
};

TEST_F(TlsTest, CertificatesOfTheClusterAreAccepted) {
  EXPECT_TRUE(meet(certificates_.issue("host2")));
}

TEST_F(TlsTest, AnotherAuthoritysCertificateIsRefused) {
  TestCertificates others;
  auto mixed = others.issue("host2");
  EXPECT_FALSE(meet(mixed));
  mixed.ca = certificates_.issue("host2").ca;  // trusts us, and is not trusted
  EXPECT_FALSE(meet(mixed));
}

TEST_F(TlsTest, AnotherHostsCertificateIsRefused) {
  EXPECT_FALSE(meet(certificates_.issue("host3")));
}

TEST_F(TlsTest, PlainConnectionsAreRefused) { EXPECT_FALSE(meet({})); }

TEST_F(TlsTest, TheDialerChecksWhomItDialed) {
  TcpCluster cluster;
  cluster.configure = [&](TransportConfig& config) {
    config.tls = certificates_.issue(config.host == HostId(1) ? "host7" : "host2");
  };
  auto& one = cluster.add(1);
  auto& two = cluster.add(2);
  cluster.start();
  cluster.run_until([&] { return two.sees(1) || cluster.links_to(1) > 2; });
  EXPECT_FALSE(one.sees(2));
  EXPECT_FALSE(two.sees(1));
}

TEST_F(TlsTest, FilesThatCannotBeUsedAreNamed) {
  boost::asio::io_context io;
  Recorder recorder;
  TransportConfig config;
  config.host = HostId(1);
  config.incarnation = Incarnation(1);
  const auto good = certificates_.issue("host1");
  const auto other = certificates_.issue("host2");
  const auto complaint = [&](const TlsConfig& tls) -> std::string {
    config.tls = tls;
    try {
      TcpTransport transport(io, config, recorder);
      return "";
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
  };
  EXPECT_EQ(complaint(good), "");
  EXPECT_NE(complaint({"/nonexistent", good.key, good.ca}).find("/nonexistent"), std::string::npos);
  EXPECT_NE(complaint({good.certificate, good.key, "/nonexistent"}).find("/nonexistent"),
            std::string::npos);
  EXPECT_NE(complaint({good.certificate, other.key, good.ca}), "");
  EXPECT_NE(complaint({good.certificate, "", ""}), "");
}

}  // namespace
}  // namespace netbinder
