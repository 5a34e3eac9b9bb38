// SPDX-License-Identifier: Apache-2.0
//
// Space in arenas that is lent to peers (core/wire/lease.h). Owned by the Cluster. How a message
// uses it: placement.h.
#pragma once

#include <cstdint>
#include <optional>

#include "core/cluster/outgoing_calls.h"
#include "core/cluster/peers.h"
#include "core/wire/lease.h"

namespace netbinder {

class Leases {
 public:
  Leases(Model& model, OutgoingCalls& outgoing) : model_(model), outgoing_(outgoing) {}

  // Lends space for a payload of that peer's, which nobody touches here until the lease ends.
  // Nothing if there is no room, or if the peer may not name the recipient.
  std::optional<Lease> lend(Peer& peer, const LeaseRequest& request);
  [[nodiscard]] static LeasedSpace* find(const Peer& peer, LeaseId lease) {
    const auto found = peer.leases().find(lease);
    return found == peer.leases().end() ? nullptr : found->second.get();
  }
  // Ends the lease, and frees its space if no message has used it. Ignored if there is none.
  void end(Peer& peer, LeaseId lease);

  void peer_lost(Peer& peer);
  void process_ends(Process& process);

  [[nodiscard]] std::size_t count() const { return count_; }
  void check(const Peer& peer) const;

 private:
  void end(LeasedSpace& lease);

  Model& model_;
  OutgoingCalls& outgoing_;
  std::size_t count_ = 0;
  std::uint64_t next_ = 1;
};

}  // namespace netbinder
