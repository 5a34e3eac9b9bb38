// SPDX-License-Identifier: Apache-2.0
//
// What must be true, judged from what programs write and read alone: every call ends once, with a
// reply its callee wrote or with an error that has a cause; a call is delivered once, to the node
// it was made of; oneway calls of one thread to one node arrive in their order; an accepted one
// arrives for certain. The first finding ends the run.
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

// A node, wherever it is: its program's serial number and its place there. 0 is none.
using Uid = std::uint64_t;
inline constexpr std::uint64_t kNodesOfProgram = 256;
inline std::uint64_t program_of(Uid uid) { return uid / kNodesOfProgram; }

struct Statistics {
  std::uint64_t calls = 0, replies = 0, dead = 0, failed = 0, cancelled = 0;
  std::uint64_t oneways = 0, oneways_delivered = 0, nested = 0;
  std::uint64_t posted_reads = 0;
  std::uint64_t deaths_told = 0, objects = 0, kills = 0, crashes = 0, sessions_lost = 0;
  std::uint64_t breaks = 0, cuts = 0, ledgers_compared = 0, releases = 0, names = 0;
  std::uint64_t freezes = 0, freezes_told = 0;
  std::uint64_t leases = 0, leases_ahead = 0, leases_refused = 0;
  std::uint64_t leases_used = 0, leases_returned = 0, leases_lost = 0;
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
  // Sessions between hosts of late: whatever is told of deaths may be due to them.
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
  // `target`: 0 is whoever is manager.
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
  // Never answered because the callee died or left, by design of the workload.
  void abandoned(std::uint64_t number);

  // When the network is well and everybody has done what there was to do.
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
  };
  Call* find(std::uint64_t number, const char* what);

  const EventQueue& clock_;
  std::optional<std::string> failure_;
  std::vector<Call> calls_;  // by number - 1
  std::map<std::uint64_t, HostId> living_;
  std::map<std::tuple<std::uint64_t, std::uint32_t, Uid>, std::uint64_t> sent_order_;
  std::map<std::tuple<std::uint64_t, std::uint32_t, Uid, bool>, std::uint64_t> seen_order_;
  std::set<std::uint64_t> frozen_once_;
  std::uint64_t last_trouble_ms_ = 0;
  int pairs_down_ = 0;
};

}  // namespace netbinder::sim
