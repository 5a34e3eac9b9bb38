// SPDX-License-Identifier: Apache-2.0
//
// The other side of the ledgers: the nodes of other hosts that this host holds, its references to
// them that it has not given back, and its claims that await an answer. Owned by the Cluster.
#pragma once

#include <expected>
#include <vector>

#include "core/cluster/peers.h"

namespace netbinder {

class Imports {
 public:
  Imports(Model& model, Peers& peers) : model_(model), peers_(peers) {}

  // The node that a reference of a message names, with one reference received or claimed; a dead
  // node if its home cannot be reached any more. An error says how the peer broke the protocol.
  std::expected<Node*, const char*> receive(Peer& peer, const WireNode& wire);
  // The same for a reference that is not wanted: it goes back.
  void receive_in_vain(Peer& peer, const WireNode& wire);

  // Gives the references that nothing here needs back to the node's home.
  void give_back(Node& node);
  // The node is about to be destroyed.
  void node_ends(Node& node);

  // The node is dead; Nodes::tell_death is to follow.
  void lose(Node& node);
  // The answer to a claim of ours.
  enum class Answer { kTaken, kNodeDied, kUnknown };
  struct Answered {
    Answer answer = Answer::kTaken;
    Node* node = nullptr;  // set with kNodeDied: the node that is dead for this host
  };
  Answered claim_answered(Peer& peer, const peer::ClaimResult& message);
  static void drop_claims(Peer& peer) { peer.claims_.clear(); }
  [[nodiscard]] static std::vector<Node*> in_order(const Peer& peer);
  void check(const Peer& peer) const;

 private:
  Node& imported(Peer& home, NodeNumber number);
  Node* come_home(const Peer& peer, const WireNode& wire);
  Node* introduced(Peer& peer, const WireNode& wire);

  Model& model_;
  Peers& peers_;
};

}  // namespace netbinder
