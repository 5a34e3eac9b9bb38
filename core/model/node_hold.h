// SPDX-License-Identifier: Apache-2.0
//
// The owner of local references to a node that are neither a process's nor a peer's: those of
// another host's manager, of a handoff, or of code that needs the node for a moment. Drops them
// when it ends, the strong one first, since the weak one keeps the node until then.
#pragma once

#include <utility>

#include "core/model/nodes.h"

namespace netbinder {

class NodeHold {
 public:
  NodeHold() = default;
  static NodeHold weak(Nodes& nodes, Node& node) {
    Nodes::hold(node, RefKind::kWeak);
    return NodeHold(nodes, node, Kinds::kWeak);
  }
  static NodeHold strong(Nodes& nodes, Node& node) {
    Nodes::hold(node, RefKind::kStrong);
    return NodeHold(nodes, node, Kinds::kStrong);
  }
  // Holds a weak reference and, if `kind` is strong, a strong one as well.
  static NodeHold of_kind(Nodes& nodes, Node& node, RefKind kind) {
    Nodes::hold(node, RefKind::kWeak);
    if (kind == RefKind::kStrong) Nodes::hold(node, RefKind::kStrong);
    return NodeHold(nodes, node, kind == RefKind::kStrong ? Kinds::kBoth : Kinds::kWeak);
  }
  NodeHold(NodeHold&& other) noexcept
      : nodes_(other.nodes_), node_(std::exchange(other.node_, nullptr)), kinds_(other.kinds_) {}
  NodeHold& operator=(NodeHold&& other) noexcept {
    if (this != &other) {
      release();
      nodes_ = other.nodes_;
      node_ = std::exchange(other.node_, nullptr);
      kinds_ = other.kinds_;
    }
    return *this;
  }
  ~NodeHold() { release(); }

  [[nodiscard]] Node* node() const { return node_; }
  void release() {
    Node* node = std::exchange(node_, nullptr);
    if (node == nullptr) return;
    if (kinds_ != Kinds::kWeak) nodes_->drop(*node, RefKind::kStrong);
    if (kinds_ != Kinds::kStrong) nodes_->drop(*node, RefKind::kWeak);
  }

 private:
  enum class Kinds : std::uint8_t { kWeak, kStrong, kBoth };

  NodeHold(Nodes& nodes, Node& node, Kinds kinds) : nodes_(&nodes), node_(&node), kinds_(kinds) {}

  Nodes* nodes_ = nullptr;
  Node* node_ = nullptr;
  Kinds kinds_ = Kinds::kWeak;
};

}  // namespace netbinder
