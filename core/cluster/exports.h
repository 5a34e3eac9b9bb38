// SPDX-License-Identifier: Apache-2.0
//
// This host's side of the ledgers: the references to its nodes that are counted for peers, and the
// references to other hosts' nodes that it passes on (see Introductions). A strong reference that
// is sent counts once strong and once weak, a weak one once weak. Owned by the Cluster.
#pragma once

#include <boost/container/flat_set.hpp>
#include <utility>

#include "core/base/pool.h"
#include "core/cluster/peer.h"
#include "core/model/model.h"

namespace netbinder {

class Exports {
 public:
  explicit Exports(Model& model)
      : model_(model), next_handoff_(first_number_of(model.setup.incarnation)) {}

  // A reference to a node, to be sent to a peer: counted for it, or given the number of a handoff.
  WireNode give(Peer& peer, Node& node, RefKind kind, Thread* teller);
  // The reference is sent in this event. If a third host is the node's home, that host is told.
  void sent(const Peer& peer, const WireNode& wire);
  // It was not sent after all.
  void withdraw(Peer& peer, const WireNode& wire);
  // Counts a reference to a node of ours for the peer. Others hold one of that kind already.
  void count(Peer& peer, Node& node, RefKind kind);
  // For all other hosts the node has died. If it is given to them again, they see a new node.
  void revoke(Node& node);

  // The node of ours that a peer can call by that number; null: it holds no such node.
  [[nodiscard]] static Node* callable(const Peer& peer, NodeNumber number);

  // ---- messages ----
  // Null, or how the peer broke the protocol.
  const char* released(Peer& peer, const peer::ReleaseRefs& message);
  void watched(Peer& peer, NodeNumber number);

  // The references that the peer held end. Homes of nodes that were introduced to it are told.
  void peer_lost(Peer& peer);

  [[nodiscard]] std::size_t live() const { return pool_.live(); }
  [[nodiscard]] std::uint64_t created() const { return pool_.created(); }
  void check(const Peer& peer) const;

 private:
  friend class PeerRef;

  PeerRef& ref(Peer& peer, Node& node);
  void destroy(PeerRef& ref);

  Model& model_;
  Pool<PeerRef> pool_;
  std::uint64_t next_handoff_;
  boost::container::flat_set<std::pair<HostId, HostId>> introduced_;  // recipient, home
};

}  // namespace netbinder
