// SPDX-License-Identifier: Apache-2.0
//
// The rules that must hold, judged only by what programs write and read: every call ends once, with
// a reply that its callee wrote or with an error that has a cause; a call is delivered once, to the
// node it was made to; oneway calls of one thread to one node arrive in their order; an accepted
// one always arrives. The first finding ends the run.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/base/ids.h"
#include "transport/sim/event_queue.h"

namespace netbinder::sim {

// Identifies a node on any host by its program's serial number and its place there. 0 is none.
using Uid = std::uint64_t;
inline constexpr std::uint64_t kNodesOfProgram = 256;
inline std::uint64_t program_of(Uid uid) { return uid / kNodesOfProgram; }

struct Statistics {
  std::uint64_t calls = 0, replies = 0, dead = 0, failed = 0, cancelled = 0;
  std::uint64_t oneways = 0, oneways_delivered = 0, nested = 0;
  std::uint64_t posted_reads = 0;
  std::uint64_t deaths_told = 0, objects = 0, kills = 0, crashes = 0, sessions_lost = 0;
  std::uint64_t lies = 0, deposed = 0, rolls = 0;
  std::uint64_t breaks = 0, cuts = 0, ledgers_compared = 0, releases = 0, names = 0;
  std::uint64_t freezes = 0, freezes_told = 0;
  std::uint64_t leases = 0, leases_ahead = 0, leases_refused = 0;
  std::uint64_t leases_used = 0, leases_returned = 0, leases_lost = 0;
  std::uint64_t files_sent = 0, files_installed = 0, installs_failed = 0;
  std::uint64_t arrays = 0, large_arrays = 0, bad_files = 0;
  std::uint64_t weak_objects = 0, scattered = 0;
  std::uint64_t callbacks = 0, left = 0, stayed = 0;  // of lazy services
  std::uint64_t calls_followed = 0;
  std::uint64_t sabotaged = 0;
};

class Oracle {
 public:
  explicit Oracle(const EventQueue& clock) : clock_(clock) {}

  // ---- findings ----
  void fail(std::string what);
  [[nodiscard]] bool failed() const { return failure_.has_value(); }
  [[nodiscard]] const std::string& failure() const { return *failure_; }

  // ---- weather ----
  // Sessions between hosts were lost recently: deaths that are reported may be due to that.
  void trouble() { last_trouble_ms_ = clock_.now_ms(); }
  void pair_down(int change) { pairs_down_ += change; }
  [[nodiscard]] bool troubled_since(std::uint64_t ms) const {
    return pairs_down_ != 0 || last_trouble_ms_ >= ms;
  }

  // ---- programs ----
  void program_started(std::uint64_t serial, HostId host);
  void program_gone(std::uint64_t serial);
  [[nodiscard]] bool alive(std::uint64_t serial) const { return living_.contains(serial); }
  void thread_gone(std::uint64_t serial, std::uint32_t tid);
  void program_frozen(std::uint64_t serial) { frozen_once_.insert(serial); }

  // ---- calls ----
  // `target` 0 is the context's manager, whoever that is.
  std::uint64_t new_call(std::uint64_t caller, std::uint32_t tid, Uid target, bool oneway,
                         std::uint64_t since_ms);
  void not_issued(std::uint64_t number);
  void accepted(std::uint64_t number);
  void delivered(std::uint64_t number, Uid node, std::uint64_t order, bool oneway);
  void reply_written(std::uint64_t number);
  void reply_read(std::uint64_t number);
  // BR_DEAD_REPLY, BR_FAILED_REPLY, BR_FROZEN_REPLY in place of a reply or an acceptance.
  void call_failed(std::uint64_t number, std::uint32_t command);
  [[nodiscard]] std::uint64_t order_of(std::uint64_t number) const;
  // Its owner is no more the context's manager, and other hosts have been told that it has died. They
  // may hear of that long after the loss of the session that is the reason.
  void revoke(Uid node) { revoked_.insert(node); }
  [[nodiscard]] bool revoked(Uid node) const { return revoked_.contains(node); }
  // It is never answered because the callee died or left, as the workload intends.
  void abandoned(std::uint64_t number);

  // Announced before a call or its reply is made: something in it must make it fail.
  void must_fail(std::uint64_t number, bool of_reply);
  // It may fail for a reason that concerns descriptors.
  void may_fail(std::uint64_t number);
  // The receiver could not take the descriptors. For a oneway call nobody is notified.
  void install_failed(std::uint64_t number, bool of_reply);
  [[nodiscard]] std::uint64_t caller_of(std::uint64_t number) const {
    return calls_[number - 1].caller;
  }
  [[nodiscard]] bool is_oneway(std::uint64_t number) const { return calls_[number - 1].oneway; }

  // To be called when the network is well and everybody has finished.
  void check_drained();
  bool strict_failures = false;  // arenas are large: no call may fail

  Statistics statistics;

 private:
  struct Call {
    std::uint64_t caller = 0;
    std::uint32_t tid = 0;
    Uid target = 0;
    bool oneway = false;
    std::uint64_t since_ms = 0;
    std::uint64_t order = 0;
    bool ended = false;  // replied, failed, cancelled; a oneway one: accepted or failed
    bool failed = false;
    bool was_accepted = false;
    bool abandoned = false;
    Uid delivered_to = 0;
    std::uint32_t deliveries = 0;
    bool reply_written = false;
    bool must_fail = false, reply_must_fail = false;
    bool may_fail = false;
    bool install_failed = false;  // of the call
  };
  Call* find(std::uint64_t number, const char* what);
  [[nodiscard]] bool failed_below(const Call& call) const;

  const EventQueue& clock_;
  std::optional<std::string> failure_;
  std::vector<Call> calls_;  // by number - 1
  std::map<std::uint64_t, HostId> living_;
  std::map<std::tuple<std::uint64_t, std::uint32_t, Uid>, std::uint64_t> sent_order_;
  std::map<std::tuple<std::uint64_t, std::uint32_t, Uid, bool>, std::uint64_t> seen_order_;
  std::set<std::uint64_t> frozen_once_;
  std::set<Uid> revoked_;
  std::uint64_t last_trouble_ms_ = 0;
  int pairs_down_ = 0;
};

}  // namespace netbinder::sim
