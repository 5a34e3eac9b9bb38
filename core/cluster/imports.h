// SPDX-License-Identifier: Apache-2.0
//
// The other side of the ledgers: the nodes of other hosts that this host holds, its references to
// them that it has not given back, and its claims that await an answer. Owned by the Cluster.
//
// A reference to a node of a member that is not connected yet is waited for, for as long as a
// session would be: the node is there, its claim is sent when its home connects, and calls of it
// and messages that name it wait (ClaimWaits). If the home does not come, the node is dead.
#pragma once

#include <expected>
#include <vector>

#include "core/cluster/peers.h"

namespace netbinder {

class Imports {
 public:
  // Why a node of an earlier life of its home is dead.
  static constexpr const char* kStartedAgain = "its host's agent has been started again";

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

  // The node is dead; Nodes::tell_death is to follow. `reason` says why, if that is not the node's
  // own end.
  void lose(Node& node, const char* reason = nullptr);
  // The answer to a claim of ours.
  enum class Answer { kTaken, kNodeDied, kUnknown };
  struct Answered {
    Answer answer = Answer::kTaken;
    Node* node = nullptr;  // set with kNodeDied: the node that is dead for this host
  };
  Answered claim_answered(Peer& peer, const peer::ClaimResult& message);
  static void drop_claims(Peer& peer) { peer.claims_.clear(); }

  // ---- nodes whose home has yet to connect ----
  // The home has connected.
  void send_claims(const Peer& home);
  // The nodes of that home whose time is over; it is told that they are unreachable.
  std::vector<Node*> overdue(const Peer& home);
  // The node's home does not come: lose() is to follow.
  static void drop_claims(Node& node);
  // Sets the timer for the next of those nodes.
  void set_timer();

  [[nodiscard]] static std::vector<Node*> in_order(const Peer& peer);
  void check(const Peer& peer) const;

 private:
  Node& imported(Peer& home, NodeNumber number);
  Node* come_home(const Peer& peer, const WireNode& wire);
  Node* introduced(Peer& peer, const WireNode& wire);
  // The home of a node that is not connected, if it is waited for.
  std::expected<Peer*, const char*> await_home(const NodeIdentity& node);
  void send_claim(const Peer& home, const PendingClaim& claim);

  Model& model_;
  Peers& peers_;
};

}  // namespace netbinder
