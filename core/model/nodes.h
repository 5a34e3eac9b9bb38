// SPDX-License-Identifier: Apache-2.0
//
// All nodes that this host knows, and the rules of their counts: when owners are told of references
// to their nodes, when nodes die, and when unneeded ones are destroyed. Owned by the Model.
//
// Invariant: there is one node for each identity, so that a process has one handle for it whatever
// way it came. Imported nodes are found by Imports, dead ones here.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>

#include "core/base/pool.h"
#include "core/model/node.h"

namespace netbinder {

class Model;
class Thread;

class Nodes {
 public:
  explicit Nodes(Model& model) : model_(model) {}

  // ---- making ----
  Node& create(Process& owner, std::uint64_t ptr, std::uint64_t cookie, NodeFlags flags);
  Node& create_imported(const NodeIdentity& identity, Peer& home);
  // The dead node of that identity.
  Node& dead(const NodeIdentity& identity);
  // The same for a node that a peer passed on as a reference of that kind.
  Node& dead_as_given(const NodeIdentity& identity, RefKind kind, const char* reason = nullptr);

  // ---- references from refs ----
  // `teller`: the owner's thread on whose todo list the owner is told of the node. False: a first
  // strong reference that nobody can tell the owner of is refused, and nothing has changed.
  [[nodiscard]] bool increment(Ref& ref, RefKind kind, Thread* teller);
  // Does nothing if there is no such count. Destroys the ref with its last count.
  void decrement(Ref& ref, RefKind kind);
  // Gives that many counts back, which the ref must have. Destroys it with its last count.
  void give_back(Ref& ref, std::uint64_t strong, std::uint64_t weak);
  // The ref is out of its holder's table: its references to the node end. Does not destroy the ref.
  void unlink(Ref& ref);

  // ---- references from elsewhere: buffers, managers, handoffs (see NodeHold, Allocation) ----
  static void hold(Node& node, RefKind kind) {
    ++(kind == RefKind::kStrong ? node.local_strong_ : node.local_weak_);
  }
  void drop(Node& node, RefKind kind);
  // To be called after a node was looked at, in case only a buffer or nothing holds it: it is
  // judged again.
  void looked_at(Node& node) {
    if (!node.weakly_held()) judge(node);
  }

  // ---- the owner's view ----
  // The commands that tell the owner of changes to its references, in this order.
  struct Told {
    bool increfs = false, acquire = false, release = false, decrefs = false;
    binder_ptr_cookie who{};
  };
  // The node's work has been taken off a todo list. The node may be gone afterwards.
  Told tell_owner(Node& node);
  // BC_ACQUIRE_DONE or BC_INCREFS_DONE.
  void acknowledged(Node& node, RefKind kind, std::uint64_t cookie);
  // The owner is assumed to hold its references from the start, and is never told of them.
  static void owner_holds(Node& node) {
    node.strong_view_.hold_from_start();
    node.weak_view_.hold_from_start();
  }

  // Gives a local node that no other host holds a new number: for other hosts it is a new node.
  void renumber(Node& node);

  // ---- ends ----
  // Its owner has died: references of the owner and its buffers end. It is dead, or destroyed.
  void owner_died(Node& node);
  // Its home is gone, or reports its death: the node is dead. The caller then calls tell_death,
  // which notifies the holders of its refs, and destroys the node if nothing refers to it.
  void lose_home(Node& node, const char* reason = nullptr);
  void tell_death(Node& node);
  // If a local node's owner holds references, queues work for the owner. Otherwise destroys a node
  // that nothing refers to, or lets references to an imported node go back to its home.
  void judge(Node& node);

  [[nodiscard]] std::size_t live() const { return pool_.live(); }
  [[nodiscard]] std::uint64_t created() const { return pool_.created(); }

 private:
  void drop_strong_ref(Node& node);
  void dequeue_work(Node& node);
  void destroy(Node& node);

  Model& model_;
  Pool<Node> pool_;
  // Dead nodes that somebody here still refers to.
  boost::unordered_flat_map<NodeIdentity, Node*, std::hash<NodeIdentity>> dead_;
  std::uint64_t next_number_ = 1;
};

}  // namespace netbinder
