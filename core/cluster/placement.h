// SPDX-License-Identifier: Apache-2.0
//
// Payloads of messages from peers: where in an arena their images go. Owned by the Cluster. A
// payload arrives ahead of its message, and is the peer's one arriving payload until that comes.
#pragma once

#include "core/cluster/leases.h"

namespace netbinder {

// One arrived payload's place.
struct PayloadPlace {
  ProcessId process;
  std::span<std::byte> bytes;  // empty: nowhere, discard
};

class Placement {
 public:
  Placement(Model& model, OutgoingCalls& outgoing, Leases& leases)
      : model_(model), outgoing_(outgoing), leases_(leases) {}

  // With a `lease` of that peer's, which ends: the payload is in its space already. Nowhere, if the
  // message is not for the process whose space it is, or larger than it.
  PayloadPlace arriving(Peer& peer, const PeerMessage& message, LeaseId lease);
  void abandon(Peer& peer);
  // The message has come: the place of its payload, or why it has none.
  ArrivingPayload take(Peer& peer, const PeerMessage& message);
  // Nothing arrives for it any more.
  static void process_ends(Peer& peer, const Process& process);

 private:
  ArrivingPayload place(Peer& peer, const PeerMessage& message, LeaseId lease);

  Model& model_;
  OutgoingCalls& outgoing_;
  Leases& leases_;
};

}  // namespace netbinder
