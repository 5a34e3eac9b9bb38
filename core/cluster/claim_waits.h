// SPDX-License-Identifier: Apache-2.0
//
// Threads that are about to speak to a node's home of a reference that it has yet to count for us:
// it would not believe that we hold it. They wait until it has answered our claim, and the handles that
// they speak of stay what they are meanwhile. Owned by the Cluster.
#pragma once

#include <optional>
#include <vector>

#include "core/cluster/peer.h"
#include "core/model/elsewhere.h"
#include "core/model/model.h"

namespace netbinder {

class CommandStream;

class ClaimWaits {
 public:
  ClaimWaits(Model& model, CommandStream& commands) : model_(model), commands_(commands) {}

  // Whether a call or reply of the thread's to that peer has to wait; then the thread does, and comes
  // with it again. `target`: the node that is called; null in a reply.
  bool wait(Thread& thread, const Peer& peer, const Node* target, const CallData& data);
  // The home has answered a claim of the node, or the node is dead.
  void answered(const Peer& home, NodeNumber node) { end_waits(home.host(), node); }
  // All nodes of the peer are dead.
  void peer_lost(const Peer& peer) { end_waits(peer.host(), std::nullopt); }
  void thread_ends(Thread& thread);

 private:
  // One more count of a handle, of the kind that it is spoken of as.
  struct Pin {
    ProcessRef* ref;
    RefKind kind;
  };
  struct Waiter {
    Thread* thread;  // in AwaitingClaim
    std::vector<Pin> pins;
  };

  void end_waits(HostId home, std::optional<NodeNumber> node);
  void release(const std::vector<Pin>& pins);
  // The handles that the payload speaks of, as far as it can be read.
  [[nodiscard]] std::vector<Pin> handles_in(const Thread& thread, const CallData& data) const;

  Model& model_;
  CommandStream& commands_;
  std::vector<Waiter> waiters_;
};

}  // namespace netbinder
