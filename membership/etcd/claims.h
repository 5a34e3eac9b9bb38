// SPDX-License-Identifier: Apache-2.0
//
// This host's claims at etcd, of contexts and of unique names: each is a key under the lease of the
// host, made by compare-and-swap while nobody has it and while the host itself is still there. The
// revision at which it was made is the claim's epoch. One request at a time, in order.
//
// Owned by the EtcdMember. Pure.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "membership/etcd/directory.h"
#include "membership/membership.h"

namespace netbinder::etcd {

class Claims {
 public:
  // The credentials of requests, and the host that makes them.
  struct Holder {
    HostId host;
    std::string name;
    Incarnation incarnation;
    std::int64_t lease = 0;
    std::int64_t host_revision = 0;  // at which the host's key was made
  };

  Claims(Directory& directory, MembershipEvents& events) : directory_(directory), events_(events) {}

  void ask(const std::string& context) { queue_.push_back({What::kAsk, context, {}}); }
  void release(const std::string& context);
  // The next request, if none is under way.
  [[nodiscard]] std::optional<Transaction> next(const Holder& as);
  // The answer to it. `still_valid`: the lease is, by this host's clock.
  enum class Lease : std::uint8_t { kValid, kDoubtful };
  void answered(const TransactionAnswer& answer, Lease lease);
  // Nothing is decided: asks are answered so; what was to be given back is so later.
  void unreachable();
  // Claims that were granted hold no more.
  void lose_all();
  // These claims may have changed in the directory: which of them are lost, and which are this
  // host's though nobody wants them.
  void compare(std::set<std::string> changed, HostId host, Incarnation incarnation);
  [[nodiscard]] bool holds_any() const { return !held_.empty(); }

 private:
  enum class What : std::uint8_t { kAsk, kRelease };
  struct Job {
    What what;
    std::string context;
    ClaimEpoch epoch;  // of what is given back
  };

  void asked(const Job& job, const TransactionAnswer& answer, Lease lease);
  [[nodiscard]] bool is_queued(const std::string& context) const;

  Directory& directory_;
  MembershipEvents& events_;
  Holder as_;  // of the request under way
  std::deque<Job> queue_;
  bool under_way_ = false;  // the first of the queue
  std::map<std::string, ClaimEpoch> held_;
  std::set<std::string> doubtful_;  // compared the next time, changed or not
};

}  // namespace netbinder::etcd
