// SPDX-License-Identifier: Apache-2.0
//
// Threads that are about to speak to a node's home of a reference that it has yet to count for us:
// it would not believe that we hold it. They wait until it has answered our claim. Owned by the
// Cluster.
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
  void thread_ends(Thread& thread) { std::erase(waiters_, &thread); }

 private:
  void end_waits(HostId home, std::optional<NodeNumber> node);
  // The first object of the payload that is only claimed; nothing if there is none.
  [[nodiscard]] const Node* only_claimed(Thread& thread, const Peer& peer,
                                         const CallData& data) const;

  Model& model_;
  CommandStream& commands_;
  std::vector<Thread*> waiters_;  // in AwaitingClaim
};

}  // namespace netbinder
