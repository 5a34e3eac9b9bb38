// SPDX-License-Identifier: Apache-2.0
//
// All nodes that this host knows, and the rules of their counts: when an owner hears of references
// to its node, when a node dies, when one that nobody needs goes. Owned by the Model.
//
// Invariant: one node for each identity, so that a process has one handle for it whatever route it
// came. Nodes that are imported are found by Imports, dead ones here.
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
  // Likewise, which a peer passed on as a reference of that kind.
  Node& dead_as_given(const NodeIdentity& identity, RefKind kind);

  // ---- references from refs ----
  // `teller`: the thread of the owner on whose todo list it hears of the node. False: a first
  // strong reference with nobody to tell the owner, which is refused; nothing has changed.
  [[nodiscard]] bool increment(Ref& ref, RefKind kind, Thread* teller);
  // One that was given too often is ignored. Destroys the ref with its last count.
  void decrement(Ref& ref, RefKind kind);
  // Gives so many back, at most what there is, and destroys the ref with its last count.
  void give_back(Ref& ref, std::uint64_t strong, std::uint64_t weak);
  // The ref is out of its holder's table: its references to the node go. The ref may be destroyed.
  void unlink(Ref& ref);

  // ---- references from elsewhere: buffers, managers, handoffs (see NodeHold, Allocation) ----
  static void hold(Node& node, RefKind kind) {
    ++(kind == RefKind::kStrong ? node.local_strong_ : node.local_weak_);
  }
  void drop(Node& node, RefKind kind);
  // Looking a node up held it for a moment, and this is the end of that: what nothing or only a
  // buffer holds is judged again.
  void looked_at(Node& node) {
    if (!node.weakly_held()) judge(node);
  }

  // ---- the owner's view ----
  // The commands by which the owner learns of its references now, in this order.
  struct Told {
    bool increfs = false, acquire = false, release = false, decrefs = false;
    binder_ptr_cookie who{};
  };
  // Its work has been taken off a todo list. The node may be gone afterwards.
  Told tell_owner(Node& node);
  // BC_ACQUIRE_DONE or BC_INCREFS_DONE.
  void acknowledged(Node& node, RefKind kind, std::uint64_t cookie);
  // The owner is taken to hold its references from the start; it is never asked.
  static void owner_holds(Node& node) {
    node.strong_view_.hold_from_start();
    node.weak_view_.hold_from_start();
  }

  // Gives a local node a new number: to other hosts, of which none may hold it, it is a new one.
  void renumber(Node& node);

  // ---- ends ----
  // Its owner is gone: what the owner and its buffers held of it ends. It is dead, or destroyed.
  void owner_died(Node& node);
  // Its home is gone, or says that it has died: the node is dead. tell_death follows, which tells
  // the holders of its refs, and destroys the node if nothing refers to it.
  void lose_home(Node& node);
  void tell_death(Node& node);
  // Destroys an imported node, or a dead one, that nothing refers to; sees to what may go of one
  // that is still referred to.
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
