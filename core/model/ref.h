// SPDX-License-Identifier: Apache-2.0
//
// The references of one holder, a process or a peer, to one node: the counts that it was given and
// has not given back. All strong counts of a ref are one strong reference to the node, and the ref
// itself is a weak one.
//
// Owned by the holder's table (RefTable, Exports), which makes it with its first count; the ref
// ends with its last count, with its holder or, for a peer, with the node.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>

#include "core/model/imported_node.h"

namespace netbinder {

class Node;
class Nodes;
class Peer;
class Process;
class Thread;

class Ref {
 public:
  Ref(Node& node, std::uint32_t debug_id) : node_(node), debug_id_(debug_id) {}
  Ref(const Ref&) = delete;
  Ref& operator=(const Ref&) = delete;
  virtual ~Ref() = default;

  [[nodiscard]] Node& node() const { return node_; }
  [[nodiscard]] std::uint32_t debug_id() const { return debug_id_; }
  [[nodiscard]] std::uint64_t strong() const { return strong_; }
  [[nodiscard]] std::uint64_t weak() const { return weak_; }
  [[nodiscard]] bool unused() const { return strong_ == 0 && weak_ == 0; }

  // The holder, which is at most one of the two. If both are null, it is kept for a peer's claim.
  [[nodiscard]] virtual Process* process() const { return nullptr; }
  [[nodiscard]] virtual Peer* peer() const { return nullptr; }
  // The node has died.
  virtual void node_died() = 0;
  // The node's owner has been frozen or thawed.
  virtual void owner_froze(bool frozen) = 0;
  // Takes the ref out of its holder's table and destroys it.
  virtual void destroy() = 0;

 private:
  friend class Nodes;

  Node& node_;
  std::uint32_t debug_id_;
  std::uint64_t strong_ = 0;
  std::uint64_t weak_ = 0;

 public:
  boost::intrusive::list_member_hook<> node_hook;  // for the node's list only
};

}  // namespace netbinder
