// SPDX-License-Identifier: Apache-2.0
//
// Members at a real etcd, each with its thread: joining, claims, passwords, an etcd that hangs, and
// what is no etcd at all.
#include "membership/etcd/etcd_membership.h"

#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <fstream>
#include <functional>
#include <memory>
#include <thread>

#include "tests/agent/reserved_port.h"
#include "tests/membership/real_etcd.h"

namespace netbinder::testing {
namespace {

using Words = std::vector<std::string>;

class RealHost final : private MembershipEvents {
 public:
  RealHost(const std::string& name, const std::string& endpoint, const std::string& more = "",
           std::uint32_t lease_s = 12)
      : config_(*parse_config(
            "host = \"" + name +
                "\"\ncluster_key = \"k\"\nlisten = \"127.0.0.1:" + std::to_string(reserved_port()) +
                "\"\n[membership]\nkind = \"etcd\"\nlease_seconds = " + std::to_string(lease_s) +
                "\nendpoints = [\"" + endpoint + "\"]\n" + more,
            "t")),
        membership_(io_, config_, Incarnation{std::hash<std::string>()(name) | 1}) {
    membership_.start(*this);
  }

  // Runs its loop until it is so; fails the test if that takes too long.
  bool until(const char* what, const std::function<bool()>& is_so) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!is_so()) {
      if (std::chrono::steady_clock::now() > deadline) {
        ADD_FAILURE() << config_.host << ": not in time: " << what << "; " << status().last_error;
        return false;
      }
      io_.run_one_for(std::chrono::milliseconds(10));
      if (io_.stopped()) io_.restart();
    }
    return true;
  }
  bool until_names(const Words& wanted) {
    return until("the hosts", [&] {
      Words names;
      for (const Member& member : members) names.push_back(member.name);
      return names == wanted;
    });
  }
  [[nodiscard]] MembershipStatus status() const { return membership_.status(); }
  [[nodiscard]] bool says(const std::string& text) const {
    return status().last_error.find(text) != std::string::npos;
  }
  // Asks until it is granted: a slow machine may be taken for an etcd that is away.
  bool claim() {
    told.clear();
    bool asked = false;
    return until("a claim", [&] {
      if (!told.empty() && told.back() == "binder granted") return true;
      if (!asked || (!told.empty() && told.back() != "asked")) {
        asked = true;
        told.emplace_back("asked");
        membership_.ask_for_claim("binder");
      }
      return false;
    });
  }
  Membership& membership() { return membership_; }
  Config& config() { return config_; }

  std::vector<Member> members;
  Words told;
  std::map<std::string, ClaimHolder> claims;

 private:
  void members_changed(const std::vector<Member>& now) override { members = now; }
  void claim_answered(const std::string& context, ClaimAnswer answer) override {
    constexpr const char* kWords[] = {" granted", " held", " unreachable"};
    told.push_back(context + kWords[static_cast<std::size_t>(answer)]);
  }
  void claim_lost(const std::string& context) override { told.push_back(context + " lost"); }
  void claim_held(const std::string& context, std::optional<ClaimHolder> holder) override {
    claims.erase(context);
    if (holder) claims.emplace(context, *holder);
  }

  boost::asio::io_context io_;
  Config config_;
  EtcdMembership membership_;
};

TEST(EtcdMembership, HostsComeClaimAndGo) {
  const RealEtcd etcd;
  RealHost a("a", etcd.endpoint());
  ASSERT_TRUE(a.until_names({"a"}));
  auto b = std::make_unique<RealHost>("b", etcd.endpoint());
  ASSERT_TRUE(b->until_names({"a", "b"}));
  ASSERT_TRUE(a.until_names({"a", "b"}));
  EXPECT_TRUE(a.status().version.starts_with("3."));
  ASSERT_TRUE(b->claim());
  ASSERT_TRUE(a.until("to hear of it", [&] { return a.claims.contains("binder"); }));
  EXPECT_EQ(a.claims["binder"].host, HostId{2});
  a.membership().ask_for_claim("binder");
  ASSERT_TRUE(a.until("an answer", [&] { return a.told == Words{"binder held"}; }));
  b->membership().leave();
  b.reset();
  ASSERT_TRUE(a.until_names({"a"}));
  ASSERT_TRUE(a.until("to hear of its end", [&] { return !a.claims.contains("binder"); }));
  ASSERT_TRUE(a.claim());
  a.membership().leave();
  EXPECT_EQ(etcd.control({"get", "--prefix", "--keys-only", "/netbinder/default/hosts"}), "");
}

TEST(EtcdMembership, AnEtcdThatHangsIsNoticedAndClaimsEnd) {
  const RealEtcd etcd;
  RealHost a("a", etcd.endpoint(), "", 3);
  a.membership().ask_for_claim("binder");  // before it has joined
  ASSERT_TRUE(a.until("an answer", [&] { return !a.told.empty(); }));
  ASSERT_TRUE(a.until_names({"a"}));
  ASSERT_TRUE(a.claim());
  etcd.hang();
  ASSERT_TRUE(a.until("to notice", [&] { return !a.status().available; }));
  ASSERT_TRUE(a.until("to stop", [&] { return a.told.back() == "binder lost"; }));
  EXPECT_EQ(a.members.size(), 1U);
  a.membership().ask_for_claim("binder");
  ASSERT_TRUE(a.until("an answer", [&] { return a.told.back() == "binder unreachable"; }));
  etcd.go_on();
  ASSERT_TRUE(a.until("its return", [&] { return a.status().available && a.status().joined; }));
  // Its old claim is released; then it can claim again.
  ASSERT_TRUE(a.claim());
  a.membership().leave();
}

TEST(EtcdMembership, UsersSayTheirPasswords) {
  const RealEtcd etcd;
  etcd.control({"user", "add", "root:r"});
  etcd.control({"user", "add", "binder:secret"});
  etcd.control({"role", "add", "agents"});
  etcd.control({"role", "grant-permission", "agents", "--prefix=true", "readwrite", "/netbinder/"});
  etcd.control({"user", "grant-role", "binder", "agents"});
  etcd.control({"user", "grant-role", "root", "root"});
  etcd.control({"auth", "enable"});
  const std::string file = etcd.path("password");
  std::ofstream(file) << "wrong\n";
  const std::string user = "user = \"binder\"\npassword_file = \"" + file + "\"\n";
  RealHost a("a", etcd.endpoint(), user);
  ASSERT_TRUE(a.until("a refusal", [&] { return a.says("authentication failed"); }));
  std::ofstream(file) << "secret\n";
  ASSERT_TRUE(a.until_names({"a"}));
  RealHost nobody("b", etcd.endpoint());
  ASSERT_TRUE(nobody.until("a refusal", [&] { return nobody.says("user name is empty"); }));
  RealHost elsewhere("c", etcd.endpoint(), user + "prefix = \"/other\"\n");
  ASSERT_TRUE(elsewhere.until("a refusal", [&] { return elsewhere.says("permission denied"); }));
  std::filesystem::remove(file);
  RealHost missing("d", etcd.endpoint(), user);
  ASSERT_TRUE(missing.until("a complaint", [&] { return missing.says("cannot be read"); }));
  a.membership().leave();
}

TEST(EtcdMembership, AnotherEndpointIsUsedFromNowOn) {
  const RealEtcd etcd;
  RealHost a("a", "http://127.0.0.1:" + std::to_string(reserved_port()));
  ASSERT_TRUE(a.until("a refusal", [&] { return a.says("Connection refused"); }));
  a.config().membership.endpoints = {etcd.endpoint()};
  a.membership().change(a.config());
  ASSERT_TRUE(a.until_names({"a"}));
  a.config().membership.endpoints = {"https" + etcd.endpoint().substr(4)};
  a.membership().change(a.config());
  ASSERT_TRUE(a.until("a refusal", [&] { return a.says("no TLS"); }));
  a.config().membership.tls.ca = "/nonexistent";
  a.membership().change(a.config());
  ASSERT_TRUE(a.until("a complaint", [&] { return a.says("membership.tls.ca /nonexistent"); }));
  EXPECT_EQ(a.members.size(), 1U);
}

// Something else than etcd listens there: it says something else, or nothing, or hangs up.
TEST(EtcdMembership, WhatIsNoEtcdIsNamed) {
  struct Case {
    std::string answer;
    const char* error;
  };
  const Case cases[] = {
      {"", "end of stream"},
      {"SSH-2.0-OpenSSH_9.2\r\n", "bad version"},
      {"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found", "not found (HTTP 404)"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "no header"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n<html></>", "no JSON"},
  };
  for (const Case& each : cases) {
    boost::asio::io_context io;
    boost::asio::ip::tcp::acceptor acceptor(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
    std::function<void()> accept = [&] {
      acceptor.async_accept(
          [&](const boost::system::error_code& error, boost::asio::ip::tcp::socket socket) {
            if (error) return;
            // It reads the head of each request and answers, until the other side is content.
            boost::system::error_code ended;
            std::array<char, 4096> bytes;
            do {
              if (socket.read_some(boost::asio::buffer(bytes), ended) == 0) break;
              boost::asio::write(socket, boost::asio::buffer(each.answer), ended);
            } while (!ended && each.answer.starts_with("HTTP") &&
                     each.answer.find("close") == std::string::npos);
            accept();
          });
    };
    accept();
    std::thread server([&] { io.run(); });
    {
      RealHost a("a", "http://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()));
      EXPECT_TRUE(a.until("a complaint", [&] { return a.says(each.error); })) << each.answer;
    }
    boost::asio::post(io, [&] { acceptor.close(); });
    server.join();
  }
}

}  // namespace
}  // namespace netbinder::testing
