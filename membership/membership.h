// SPDX-License-Identifier: Apache-2.0
//
// The hosts of the cluster (peers), the host that has the manager of a context (claims), and the
// changes of both (watch). Implementations: the list of the configuration, whose claims
// are decided by a host (the core's arbiter) and not here; and etcd.
//
// Owned by the daemon's main. Thread: the data-plane thread, events included; they are called from
// handlers of the event loop, never from inside a function of this class. No function waits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cluster-config/config.h"
#include "core/base/ids.h"
#include "core/base/stored_claim.h"
#include "membership/member.h"

namespace netbinder {

// The events of a membership for its user. They are complete and validated: names, ids and
// addresses are usable, and no two members share one.
class MembershipEvents {
 public:
  virtual ~MembershipEvents() = default;
  // The hosts there are from now on, in the order of their ids, this one among them. The first one
  // of these says that this host has joined, and with which id.
  virtual void members_changed(const std::vector<Member>& members) = 0;
  // See Driver. A claim is a context's, by its name, or anything else that one host has at a time.
  virtual void claim_answered(const std::string& claim, ClaimAnswer answer) = 0;
  virtual void claim_lost(const std::string& claim) = 0;
  virtual void claim_held(const std::string& claim, std::optional<ClaimHolder> holder) = 0;
};

struct MembershipStatus {
  std::string kind;                // as configured
  ListNumber list;                 // of the list of hosts; 0: not numbered
  bool joined = false;             // other hosts know of this one
  bool available = true;           // changes are heard of, and claims are decided
  std::uint64_t since_ms = 0;      // for how long `available` is as it is
  std::string last_error;          // in words; empty: there was none
  std::string endpoint;            // what follows is etcd's
  std::string version;             // of its server there
  std::uint64_t revision = 0;      // the latest that was heard of
  std::uint32_t lease_s = 0;       // 0: there is none
  std::int64_t lease_left_ms = 0;  // by this host's clock; negative: it may be over
  std::vector<Member> members;
};

class Membership {
 public:
  virtual ~Membership() = default;
  // The authority that decides claims.
  [[nodiscard]] virtual ClaimsBy claims_by() const = 0;
  // Joins, and tells `events` of everything from now on. To be called once.
  virtual void start(MembershipEvents& events) = 0;
  // Leaves, so that other hosts hear of it at once; no event comes after this. It waits for an
  // answer, a second at most. To be called when the event loop has ended.
  virtual void leave() = 0;
  // Takes over what can change while it runs.
  virtual void change(const Config& config) = 0;
  // Only where a store decides claims: see Effects.
  virtual void ask_for_claim(const std::string& claim) = 0;
  virtual void release_claim(const std::string& claim) = 0;
  [[nodiscard]] virtual MembershipStatus status() const = 0;
};

}  // namespace netbinder
