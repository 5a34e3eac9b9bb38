// SPDX-License-Identifier: Apache-2.0
//
// Threads that wait before they name a reference to its node's home, because the home has yet to
// count it for us and would not believe that we hold it; and before they pass on a reference whose
// home has yet to connect, as it could not be told. They wait until it has answered our claim;
// until then the handles that they name keep their meaning. Owned by the Cluster.
#pragma once

#include <optional>
#include <vector>

#include "core/cluster/peers.h"
#include "core/model/elsewhere.h"
#include "core/model/model.h"

namespace netbinder {

class CommandStream;

class ClaimWaits {
 public:
  ClaimWaits(Model& model, const Peers& peers, CommandStream& commands)
      : model_(model), peers_(peers), commands_(commands) {}

  // Whether the thread's call or reply to that peer has to wait. If so, the thread waits, and then
  // makes the call or reply again. `target` is the node that is called; null for a reply.
  bool wait(Thread& thread, const Peer& peer, const Node* target, const CallData& data);
  // The home has answered a claim of the node, or the node is dead.
  void answered(const Peer& home, NodeNumber node) { end_waits(home.host(), node); }
  // All nodes of the peer are dead.
  void peer_lost(const Peer& peer) { end_waits(peer.host(), std::nullopt); }
  void thread_ends(Thread& thread);

 private:
  // One more count of a handle, strong or weak as the call names it.
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
  // The handles that the payload names, as far as it can be read.
  [[nodiscard]] std::vector<Pin> handles_in(const Thread& thread, const CallData& data) const;

  Model& model_;
  const Peers& peers_;
  CommandStream& commands_;
  std::vector<Waiter> waiters_;
};

}  // namespace netbinder
