// SPDX-License-Identifier: Apache-2.0
//
// The calls of this host that other hosts know of, by the numbers that this host gave them: calls
// to other hosts until they end, and local calls on whose behalf one was made. Owned by the
// Cluster. The transactions belong to CallStacks, which reports when one ends.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/ids.h"
#include "core/model/transaction.h"

namespace netbinder {

class OutgoingCalls {
 public:
  struct Call {
    Peer* peer = nullptr;                // null: a local call that other hosts know of
    Transaction* transaction = nullptr;  // synchronous
    Thread* waiting = nullptr;           // its ioctl goes on when the call is accepted
    std::uint32_t debug_id = 0;
    CallTrace trace = {};  // of a oneway call
  };

  explicit OutgoingCalls(Incarnation incarnation) : next_(first_number_of(incarnation)) {}

  [[nodiscard]] CallId next_id() { return CallId{next_++}; }
  Call& add(CallId id, const Call& call) { return calls_.emplace(id, call).first->second; }
  [[nodiscard]] Call* find(CallId id) {
    const auto found = calls_.find(id);
    return found == calls_.end() ? nullptr : &found->second;
  }
  [[nodiscard]] const Call* find(CallId id) const {
    const auto found = calls_.find(id);
    return found == calls_.end() ? nullptr : &found->second;
  }
  // The call, if it was made to that peer.
  [[nodiscard]] Call* find(const Peer& peer, CallId id) {
    Call* call = find(id);
    return call != nullptr && call->peer == &peer ? call : nullptr;
  }
  void remove(CallId id) { calls_.erase(id); }

  // The process whose thread waits for the reply to a call that was made to that peer; null: none.
  [[nodiscard]] Process* awaiting(const Peer& peer, CallId id);
  // The thread of the target that waits in one of the calls; null: none.
  [[nodiscard]] Thread* nested_target(HostId here, std::span<const CallAncestor> ancestors,
                                      const Process& target) const;
  // The chain of calls that wait for a call of that thread, that call first. Local calls in the
  // chain get a number by this.
  [[nodiscard]] CallAncestors ancestors_of(HostId here, const Thread& thread,
                                                       CallId call);
  // By number.
  [[nodiscard]] std::vector<CallId> to(const Peer& peer) const;

 private:
  boost::unordered_flat_map<CallId, Call, std::hash<CallId>> calls_;
  std::uint64_t next_;
};

}  // namespace netbinder
