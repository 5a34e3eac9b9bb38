// SPDX-License-Identifier: Apache-2.0
//
// Two agents with certificates: new ones are used without a restart, and refusals are explained on
// both sides.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <ctime>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "node-agent/certificate_watch.h"
#include "tests/agent/agent_process.h"
#include "tests/agent/reserved_port.h"
#include "tests/transport/test_certificates.h"
#include "transport/tcp/certificate.h"

namespace netbinder::testing {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kDay = 24 * 60 * 60;

std::string texts(const std::vector<tcp::CertificateFinding>& findings,
                  tcp::CertificateFinding::Weight weight) {
  std::string all;
  for (const auto& finding : findings) {
    if (finding.weight == weight) all += finding.text + "\n";
  }
  return all;
}

TEST(Certificates, AreCheckedBeforeTheyAreUsed) {
  using Weight = tcp::CertificateFinding::Weight;
  TestCertificates authority;
  TestCertificates another;
  const TlsConfig alpha = authority.issue("alpha");
  const TlsConfig beta = authority.issue("beta");
  fs::permissions(alpha.key, fs::perms::owner_read | fs::perms::owner_write);
  const std::int64_t now_s = std::time(nullptr);

  EXPECT_EQ(texts(tcp::check_certificates(alpha, "alpha", now_s), Weight::kError), "");
  EXPECT_NE(texts(tcp::check_certificates(alpha, "beta", now_s), Weight::kError).find("is that of alpha"),
            std::string::npos);
  const TlsConfig wrong_key{.certificate = alpha.certificate, .key = beta.key, .ca = alpha.ca};
  EXPECT_NE(texts(tcp::check_certificates(wrong_key, "alpha", now_s), Weight::kError).find("is not the key"),
            std::string::npos);
  const TlsConfig wrong_ca{.certificate = alpha.certificate, .key = alpha.key, .ca = another.issue("x").ca};
  EXPECT_NE(texts(tcp::check_certificates(wrong_ca, "alpha", now_s), Weight::kError).find("not vouched for"),
            std::string::npos);
  EXPECT_NE(texts(tcp::check_certificates(alpha, "alpha", now_s + kDay), Weight::kError).find("has expired"),
            std::string::npos);
  EXPECT_NE(texts(tcp::check_certificates(alpha, "alpha", now_s - kDay), Weight::kError).find("not valid before"),
            std::string::npos);
  const TlsConfig missing{.certificate = "/nowhere", .key = alpha.key, .ca = alpha.ca};
  EXPECT_NE(texts(tcp::check_certificates(missing, "alpha", now_s), Weight::kError).find("/nowhere"),
            std::string::npos);
}

TEST(Certificates, RevokedOnesAreFound) {
  using Weight = tcp::CertificateFinding::Weight;
  TestCertificates authority;
  TestCertificates another;
  TlsConfig alpha = authority.issue("alpha");
  const std::int64_t now_s = std::time(nullptr);
  const auto errors = [&](std::int64_t when_s) {
    return texts(tcp::check_certificates(alpha, "alpha", when_s), Weight::kError);
  };
  alpha.crl = authority.revoke({authority.issue("beta").certificate});
  EXPECT_EQ(errors(now_s), "");
  EXPECT_EQ(tcp::read_revocations(alpha.crl)->revoked, 1U);
  EXPECT_NE(errors(now_s + 3601).find("is over since"), std::string::npos);
  alpha.crl = authority.revoke({alpha.certificate});
  EXPECT_NE(errors(now_s).find("is revoked by"), std::string::npos);
  alpha.crl = another.revoke({});
  EXPECT_NE(errors(now_s).find("is not signed by the authority"), std::string::npos);
  alpha.crl = alpha.ca;
  EXPECT_NE(errors(now_s).find("holds no list of revoked certificates"), std::string::npos);
}

TEST(Certificates, OnesEndIsWarnedOfInSteps) {
  constexpr std::int64_t kEnd = 100 * kDay;
  EXPECT_EQ(expiry(kEnd, 0), Expiry::kFar);
  EXPECT_EQ(expiry(kEnd, kEnd - 14 * kDay - 1), Expiry::kFar);
  EXPECT_EQ(expiry(kEnd, kEnd - 14 * kDay), Expiry::kTwoWeeks);
  EXPECT_EQ(expiry(kEnd, kEnd - kDay), Expiry::kOneDay);
  EXPECT_EQ(expiry(kEnd, kEnd - 3600), Expiry::kOneHour);
  EXPECT_EQ(expiry(kEnd, kEnd), Expiry::kOver);
}

class TwoAgents : public ::testing::Test {
 protected:
  // The agents are the hosts "here" and "there"; the latter dials.
  void start(const TlsConfig& here, const TlsConfig& there) {
    here_ = std::make_unique<AgentProcess>(settings(here), here_folder_);
    fs::create_directories(there_folder_.path("agent.toml.d"));
    there_folder_.write("agent.toml.d/host.toml", "host = \"there\"\n");
    there_ = std::make_unique<AgentProcess>(settings(there), there_folder_);
  }
  [[nodiscard]] std::string settings(const TlsConfig& tls) const {
    return fmt::format(
        "[tls]\ncertificate = \"{}\"\nkey = \"{}\"\nca = \"{}\"\n{}"
        "[[hosts]]\nname = \"here\"\naddress = \"127.0.0.1:{}\"\n"
        "[[hosts]]\nname = \"there\"\naddress = \"127.0.0.1:{}\"\n",
        tls.certificate, tls.key, tls.ca, tls.crl.empty() ? "" : "crl = \"" + tls.crl + "\"\n",
        port_, other_port_);
  }
  static nlohmann::json link(const AgentProcess& agent) {
    const auto status =
        nlohmann::json::parse(agent.status_line("{\"command\":\"status\"}\n"), nullptr, false);
    return status.is_object() ? status["links"][0] : nlohmann::json::object();
  }
  static bool says(const Folder& folder, const std::string& text) {
    return folder.read("log").find(text) != std::string::npos;
  }

  const std::uint16_t port_ = reserved_port();
  const std::uint16_t other_port_ = reserved_port();
  TestCertificates authority_;
  Folder here_folder_;
  Folder there_folder_;
  std::unique_ptr<AgentProcess> here_;
  std::unique_ptr<AgentProcess> there_;
};

TEST_F(TwoAgents, UseNewCertificatesWithoutARestart) {
  start(authority_.issue("here"), authority_.issue("there"));
  ASSERT_TRUE(eventually("the link is there", [&] { return link(*there_)["state"] == "established"; }));
  const auto first = link(*there_);
  EXPECT_GT(first["certificate_end_s"].get<std::int64_t>(), std::time(nullptr));
  EXPECT_GT(first["round_trip_us"].get<std::int64_t>(), 0);
  // Written over the earlier ones: certificate, then key.
  (void)authority_.issue("here");
  (void)authority_.issue("there");
  EXPECT_TRUE(eventually("both have noticed", [&] {
    return says(here_folder_, "certificates have changed") &&
           says(there_folder_, "certificates have changed");
  }));
  EXPECT_TRUE(eventually("there is a new link", [&] {
    const auto now = link(*there_);
    return now["state"] == "established" && now["reconnects"] > first["reconnects"];
  }));
  // The session has gone on.
  EXPECT_FALSE(says(here_folder_, "is over"));
  EXPECT_FALSE(says(there_folder_, "is over"));
}

TEST_F(TwoAgents, EndTheLinkOfARevokedHostAndSayWhy) {
  TlsConfig here = authority_.issue("here");
  TlsConfig there = authority_.issue("there");
  here.crl = there.crl = authority_.revoke({});
  start(here, there);
  ASSERT_TRUE(
      eventually("the link is there", [&] { return link(*there_)["state"] == "established"; }));
  (void)authority_.revoke({there.certificate});
  EXPECT_TRUE(
      eventually("the link has ended", [&] { return link(*here_)["state"] != "established"; }));
  EXPECT_TRUE(eventually("the one that accepts says why", [&] {
    return says(here_folder_, "refused: the TLS handshake failed") &&
           says(here_folder_, "certificate revoked");
  })) << here_folder_.read("log");
  EXPECT_TRUE(eventually("the one that dials says why", [&] {
    return says(there_folder_, "certificate revoked");
  })) << there_folder_.read("log");
  EXPECT_NE(link(*there_)["last_failure"].get<std::string>().find("certificate revoked"),
            std::string::npos);
  // It is let in again when the list does not have it any more.
  (void)authority_.revoke({});
  EXPECT_TRUE(
      eventually("the link is back", [&] { return link(*there_)["state"] == "established"; }));
}

TEST_F(TwoAgents, ExplainARefusalOnBothSides) {
  TestCertificates another;
  start(authority_.issue("here"), another.issue("there"));
  EXPECT_TRUE(eventually("the one that dials says why", [&] {
    return says(there_folder_, "warning: no link to host 1 'here'");
  }));
  EXPECT_TRUE(eventually("the status says why", [&] {
    return link(*there_)["last_failure"].get<std::string>().find("certificate") != std::string::npos;
  })) << link(*there_);
  EXPECT_TRUE(eventually("the other one says why", [&] {
    return says(here_folder_, "the TLS handshake failed");
  }));
}

}  // namespace
}  // namespace netbinder::testing
