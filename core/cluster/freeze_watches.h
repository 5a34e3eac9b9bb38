// SPDX-License-Identifier: Apache-2.0
//
// Whether the owners of imported nodes are frozen. The first request for a freeze notification asks
// the node's home and waits for the answer; from then on the home reports every change. Owned by
// the Cluster.
#pragma once

#include <optional>
#include <vector>

#include "core/cluster/peer.h"
#include "core/model/model.h"

namespace netbinder {

class CommandStream;

class FreezeWatches {
 public:
  FreezeWatches(Model& model, CommandStream& commands) : model_(model), commands_(commands) {}

  // The thread waits until the node's home has answered.
  void await(Thread& thread, Node& node);
  void thread_ends(Thread& thread) { std::erase(waiters_, &thread); }
  void handle(Peer& peer, const peer::FreezeState& message);
  // The home of nodes that threads wait for has connected.
  void peer_connected(const Peer& peer);
  // The node is dead, and its home has not been asked.
  void node_lost(const Peer& home, NodeNumber node) { end_waits(home.host(), node); }
  void peer_lost(const Peer& peer) { end_waits(peer.host(), std::nullopt); }

 private:
  void ask(ImportedNode& import, NodeNumber node);
  void end_waits(HostId home, std::optional<NodeNumber> node);

  Model& model_;
  CommandStream& commands_;
  std::vector<Thread*> waiters_;  // in AwaitingFreezeState
};

}  // namespace netbinder
