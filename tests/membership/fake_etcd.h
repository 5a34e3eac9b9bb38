// SPDX-License-Identifier: Apache-2.0
//
// An etcd in memory, in simulated time, and hosts that are members there, for tests of the state
// machine: what the JSON gateway is asked and answers is real text. Its faults: it is down, a host
// cannot reach it, it is slow, it forgets what is old, it is emptied.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "membership/etcd/etcd_member.h"

namespace netbinder::testing {

class World;

class FakeEtcd {
 public:
  struct Value {
    std::string value;
    std::int64_t created = 0;
    std::int64_t modified = 0;
    std::int64_t version = 0;
    std::int64_t lease = 0;
  };
  struct Change {
    std::int64_t revision = 0;
    bool deleted = false;
    std::string key;
    Value value;
  };
  struct Answer {
    int status = 200;
    std::string body;
  };

  explicit FakeEtcd(World& world) : world_(world) {}
  Answer call(const std::string& path, const std::string& body);
  // The line for what has changed since a revision; nothing if nothing has.
  [[nodiscard]] std::optional<std::string> changes_since(std::int64_t revision) const;
  void end_leases();
  // ---- what an operator does ----
  void put(const std::string& key, const std::string& value, std::int64_t lease = 0);
  void remove(const std::string& key);
  void compact() { compacted_ = revision_; }
  // As after a loss of its disk.
  void empty();
  [[nodiscard]] std::optional<std::string> get(const std::string& key) const;
  [[nodiscard]] std::vector<std::string> keys() const;
  [[nodiscard]] std::int64_t revision() const { return revision_; }

  // While it is down nothing is answered, and leases go on for as long as they had when it is back.
  bool down = false;
  std::uint64_t delay_ms = 0;  // of each answer
  std::string password;        // of user "binder"; empty: nobody has to say it
  std::size_t reads = 0;       // of everything

 private:
  struct Lease {
    std::int64_t seconds = 0;
    std::uint64_t ends_ms = 0;
  };
  [[nodiscard]] std::string header() const;
  Answer transaction(const std::string& body);
  void end_lease(std::int64_t lease);

  World& world_;
  std::map<std::string, Value> values_;
  std::vector<Change> changes_;
  std::map<std::int64_t, Lease> leases_;
  std::int64_t revision_ = 1;
  std::int64_t compacted_ = 0;
  std::int64_t next_lease_ = 7000;
  std::int64_t cluster_ = 42;
};

// A host that is a member, or wants to be.
class FakeHost final : private etcd::Requests, private MembershipEvents {
 public:
  FakeHost(World& world, etcd::MemberSetup setup, std::size_t endpoints, std::string user);

  etcd::EtcdMember member;
  std::vector<std::string> told;  // in words, in order
  std::vector<Member> members;
  std::map<std::string, ClaimHolder> claims;
  std::vector<std::string> endpoints_used;
  bool cut_off = false;  // it reaches nothing, and nothing reaches it
  bool ended = false;    // its agent has died
  std::string password_text = "secret";

  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] HostId id_of(const std::string& name) const;
  // The events since the last call of this.
  std::vector<std::string> news();

 private:
  friend class World;
  void use_endpoint(std::size_t index) override;
  void use_token(const std::string& token) override { token_ = token; }
  void call(etcd::Request request) override;
  void watch(std::string body) override;
  void set_timer(std::uint64_t deadline_ms) override { timer_ms_ = deadline_ms; }
  std::expected<std::string, std::string> password() override { return password_text; }

  void members_changed(const std::vector<Member>& now) override;
  void claim_answered(const std::string& context, ClaimAnswer answer) override;
  void claim_lost(const std::string& context) override;
  void claim_held(const std::string& context, std::optional<ClaimHolder> holder) override;

  World& world_;
  std::uint64_t connection_ = 0;         // what was asked before is not answered
  std::optional<std::int64_t> watched_;  // up to which revision it was told
  std::uint64_t timer_ms_ = UINT64_MAX;
  std::string token_;
};

// Simulated time, in which the hosts and etcd live.
class World {
 public:
  World() : etcd(*this) {}

  // A host whose agent begins now.
  FakeHost& host(const std::string& name, std::uint32_t lease_s = 10, std::size_t endpoints = 1,
                 const std::string& address = "", const std::string& user = "");
  // Everything that happens within that time.
  void run_ms(std::uint64_t ms);
  // Until nothing more happens at this moment.
  void settle() { run_ms(0); }
  void at(std::uint64_t when_ms, std::function<void()> what) {
    due_.emplace(when_ms, std::move(what));
  }

  std::uint64_t now_ms = 1'000'000;
  FakeEtcd etcd;
  std::vector<std::unique_ptr<FakeHost>> hosts;

 private:
  void bring_watches();

  std::multimap<std::uint64_t, std::function<void()>> due_;
  std::uint64_t next_incarnation_ = 1001;
};

}  // namespace netbinder::testing
