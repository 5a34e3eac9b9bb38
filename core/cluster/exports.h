// SPDX-License-Identifier: Apache-2.0
//
// This host's side of the ledgers: what its nodes are counted for peers, and what of others' nodes
// it passes on. Every strong reference sent counts once strong and once weak, every weak one once
// weak. Owned by the Cluster.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>

#include "core/base/pool.h"
#include "core/cluster/handoffs.h"
#include "core/cluster/peer.h"

namespace netbinder {

class Exports {
 public:
  Exports(Model& model, Handoffs& handoffs) : model_(model), handoffs_(handoffs) {}

  // A reference to a node, to be sent to a peer: counted for it, or pinned by a handoff.
  WireNode give(Peer& peer, Node& node, RefKind kind, Thread* teller);
  // It was not sent after all.
  void withdraw(Peer& peer, const WireNode& wire);

  // The node of ours that a peer can call by that number; null: it holds none such.
  [[nodiscard]] static Node* callable(const Peer& peer, NodeNumber number);

  // ---- messages ----
  // Null, or how the peer broke the protocol.
  const char* released(Peer& peer, const peer::ReleaseRefs& message);
  void claimed(Peer& peer, const peer::ClaimRef& message);
  void watched(Peer& peer, const peer::WatchFreeze& message);

  // The node is about to be destroyed.
  void node_ends(const Node& node);
  // The references that the peer held end.
  void peer_lost(Peer& peer);

  [[nodiscard]] std::size_t live() const { return pool_.live(); }
  [[nodiscard]] std::uint64_t created() const { return pool_.created(); }
  void check(const Peer& peer) const;

 private:
  friend class PeerRef;

  PeerRef& ref(Peer& peer, Node& node);
  void destroy(PeerRef& ref);

  Model& model_;
  Handoffs& handoffs_;
  Pool<PeerRef> pool_;
  // Local nodes that a peer holds or has held.
  boost::unordered_flat_map<NodeNumber, Node*, std::hash<NodeNumber>> exported_;
};

}  // namespace netbinder
