// SPDX-License-Identifier: Apache-2.0
//
// Chooses the places in arenas for the payloads of peers' messages. Owned by the Cluster. A payload
// arrives ahead of its message, and is the peer's one arriving payload until the message comes.
#pragma once

#include "core/cluster/leases.h"
#include "core/wire/payload_place.h"

namespace netbinder {

class Placement {
 public:
  Placement(Model& model, OutgoingCalls& outgoing, Leases& leases)
      : model_(model), outgoing_(outgoing), leases_(leases) {}

  // A `lease` of that peer's ends here: the payload is in its space already. There is no place if
  // the message is not for the lease's process, or is larger than its space.
  PayloadPlace arriving(Peer& peer, const PeerMessage& message, LeaseId lease);
  void abandon(Peer& peer);
  // The message has come. Returns the place of its payload, or why it has none.
  ArrivingPayload take(Peer& peer, const PeerMessage& message);
  // The process ends: no payload arrives for it any more.
  static void process_ends(Peer& peer, const Process& process);

 private:
  ArrivingPayload place(Peer& peer, const PeerMessage& message, LeaseId lease);

  Model& model_;
  OutgoingCalls& outgoing_;
  Leases& leases_;
};

}  // namespace netbinder
