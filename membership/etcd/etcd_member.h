// SPDX-License-Identifier: Apache-2.0
//
// This host as a member at etcd, as a state machine: answers, lines of the watch and time in,
// requests and MembershipEvents out. It does no I/O, and reads no clock.
//
//   State        Is left when                            For
//   kIdle        start()                                 kConnecting
//   kConnecting  a token is there, or none is needed     kLeasing
//   kLeasing     the lease is granted, or kept           kReading
//   kReading     all keys are read; the watch begins     one of those that follow
//   kRevoking    the lease of this host's earlier life   kReading
//                is gone, with its keys
//   kNumbering   the name has its number                 as after kReading
//   kJoining     the host's key is there: kJoined; it is not: kReading
//   kRefused     the keys in the way have changed        as after kReading
//   kJoined      the host's key is gone                  as after kReading
// From all but kIdle: a request that fails leads to kWaiting, and from there to kConnecting with
// the next endpoint; a lease that is over, to kLeasing; a watch that begins too early (compacted),
// to kReading.
//
// A name's number is made once and stays. A name that another living agent has is not taken: this
// host waits until that one is gone (kRefused), unless it has the same address and this one has yet
// to join; then it is this host's own earlier life.
//
// Claims end by this host's own clock when a fifth of the lease is left that was last heard of.
//
// Thread: any one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "membership/etcd/claims.h"
#include "membership/etcd/directory.h"
#include "membership/etcd/endpoints.h"
#include "membership/etcd/requests.h"
#include "membership/etcd/told.h"
#include "membership/etcd/wire.h"
#include "membership/membership.h"

namespace netbinder::etcd {

struct MemberSetup {
  std::string prefix;
  std::string name;  // of this host
  std::string address;
  std::map<std::string, std::string> labels;
  Incarnation incarnation;
  std::uint32_t lease_s = 20;
  Reachable reachable = Reachable::kLoopbackOnly;
};

class EtcdMember {
 public:
  static constexpr std::uint32_t kMaxTimeoutMs = 5000;  // of a request

  EtcdMember(MemberSetup setup, Requests& requests, MembershipEvents& events);

  // To be called before every event.
  void set_time(std::uint64_t now_ms) { now_ms_ = now_ms; }
  // The endpoints, and whose token is used from the next connection on; a new one is made.
  void use(std::vector<std::string> endpoints, std::string user);

  // ---- events ----
  void start();
  void answered(RequestId id, int http_status, const std::string& body);
  void failed(RequestId id, const std::string& reason);
  void watch_line(const std::string& line);
  void watch_ended(const std::string& reason);
  void timer();
  void ask_for_claim(const std::string& context);
  void release_claim(const std::string& context);
  // Gives the lease back, with all keys. `done` is called when that is answered or has failed;
  // nothing else follows.
  void leave(std::function<void()> done);

  [[nodiscard]] MembershipStatus status() const;

 private:
  enum class State : std::uint8_t {
    kIdle,
    kWaiting,
    kConnecting,
    kLeasing,
    kReading,
    kRevoking,
    kNumbering,
    kJoining,
    kRefused,
    kJoined
  };
  enum class Ask : std::uint8_t {
    kVersion,
    kToken,
    kGrant,
    kKeepAlive,
    kRead,
    kRevoke,
    kNumber,
    kJoin,
    kClaim,
    kLeave
  };
  struct Pending {
    Ask what;
    std::uint64_t sent_ms = 0;
  };

  void connect();
  void lease();
  void read();
  void decide();
  void take_number();
  void join();
  void joined();
  void refuse(const std::string& why);
  void lease_lost();
  // Those that were granted, and those that are asked for.
  void end_claims();
  void fail(const std::string& reason);
  void send(Ask what, const std::string& path, std::string body);
  void handle(const Pending& pending, const std::string& body);
  void handle_read(const std::string& body);
  void handle_number(const std::string& body);
  void handle_join(const std::string& body);
  void handle_lease(const Pending& pending, const Read<LeaseAnswer>& answer);
  // The answer of etcd, or nothing: it could not be understood, and this host begins anew.
  template <typename Answer>
  std::optional<Answer> understood(Read<Answer> answer);
  void heard_of(const Header& header);
  void next_claim();
  // Tells what has changed in the directory.
  void tell();
  void set_timer();

  [[nodiscard]] bool connected() const;
  [[nodiscard]] bool lease_is_valid() const { return lease_ != 0 && now_ms_ < claims_end_ms(); }
  [[nodiscard]] std::uint64_t claims_end_ms() const { return lease_end_ms_ - lease_s_ * 200ULL; }
  [[nodiscard]] std::uint32_t timeout_ms() const;
  [[nodiscard]] Member self() const;

  MemberSetup setup_;
  Requests& requests_;
  MembershipEvents& events_;
  Endpoints endpoints_;
  std::string user_;
  std::uint64_t now_ms_ = 0;

  State state_ = State::kIdle;
  std::uint64_t retry_ms_ = 0;  // when kWaiting ends
  std::map<RequestId, Pending> pending_;
  std::uint64_t next_request_ = 1;
  std::function<void()> left_;

  Directory directory_;
  Claims claims_;
  Told told_;
  std::string cluster_;        // etcd's own name of itself
  std::int64_t revision_ = 0;  // up to which the directory is known
  std::optional<HostId> id_;   // this host's, once it is known
  HostId wanted_;              // the number that is asked for
  HostId next_after_;          // and the next one then
  bool ever_joined_ = false;
  std::int64_t lease_ = 0;
  std::uint32_t lease_s_ = 0;
  std::uint64_t lease_end_ms_ = 0;  // at the earliest
  std::uint64_t keep_ms_ = 0;       // when it is to be kept alive next

  bool available_ = false;
  std::uint64_t available_since_ms_ = 0;
  std::string last_error_;
  std::set<std::string> logged_;  // of the errors since it was available
  std::string version_;
};

}  // namespace netbinder::etcd
