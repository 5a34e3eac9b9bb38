// SPDX-License-Identifier: Apache-2.0
//
// A binder context: one device name, one handle 0. Handle 0 leads, in this order, to the node of a
// local process that became the manager, to that of one on another host (scope "cluster"), or to
// the built-in service manager's. Owned by the Model. Its device may be removed: then
// nobody finds it any more, and it lives as long as a process has it open.
//
// The nodes of local managers are held until their owners end, so no hold is kept here; the node of
// another host's manager is held as long as it is the manager.
#pragma once

#include <algorithm>
#include <boost/container/flat_map.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "core/model/access_rules.h"
#include "core/model/call_counts.h"
#include "core/model/node_hold.h"

namespace netbinder {

class Context {
 public:
  enum class Scope { kHost, kCluster };

  Context(std::string name, Scope scope) : name_(std::move(name)), scope_(scope) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  // Whether its device is there.
  [[nodiscard]] bool listed() const { return listed_; }
  void remove_device() { listed_ = false; }
  // Whether a program, here or on another host, may become the manager although there is a built-in
  // one.
  [[nodiscard]] bool builtin_yields() const { return builtin_yields_; }
  void set_builtin_yields(bool yields) { builtin_yields_ = yields; }
  // The rules about who may become its manager.
  [[nodiscard]] const AccessRules& manage_rules() const { return manage_rules_; }
  void set_manage_rules(AccessRules rules) { manage_rules_ = std::move(rules); }
  [[nodiscard]] bool cluster_wide() const { return scope_ == Scope::kCluster; }

  // Its calls are counted wherever they are logged, which has no other part in it.
  [[nodiscard]] CallCounts& calls() const { return calls_; }

  [[nodiscard]] Node* manager() const { return manager_; }
  [[nodiscard]] Node* remote_manager() const { return remote_manager_.node(); }
  [[nodiscard]] Node* builtin() const { return builtin_; }
  // The node of the built-in manager that only the built-in manager of that host calls; null: there
  // is none yet.
  [[nodiscard]] Node* builtin_for(HostId host) const {
    const auto found = builtin_for_.find(host);
    return found == builtin_for_.end() ? nullptr : found->second;
  }
  // The ptrs of these nodes are this value plus the host's number.
  [[nodiscard]] std::uint64_t builtin_peer_ptr() const { return builtin_peer_ptr_; }
  [[nodiscard]] Node* handle_zero() const {
    if (manager_ != nullptr) return manager_;
    return remote_manager() != nullptr ? remote_manager() : builtin_;
  }
  // Whether it is the node of a manager of this host, whose owner holds references from the start.
  [[nodiscard]] bool leads_to(const Node& node) const {
    if (&node == manager_ || &node == builtin_) return true;
    return std::ranges::any_of(builtin_for_, [&](const auto& of) { return of.second == &node; });
  }
  // The user of the first local manager ever: no other user's program can become manager after it.
  [[nodiscard]] std::optional<std::uint32_t> manager_uid() const { return manager_uid_; }

  void set_manager(Node& node, std::uint32_t uid) {
    hold_for_owner(node);
    manager_ = &node;
    manager_uid_ = uid;
  }
  // The node manages the context no more, but is otherwise unchanged.
  void end_manager() { manager_ = nullptr; }
  void set_remote_manager(NodeHold hold) { remote_manager_ = std::move(hold); }
  void end_remote_manager() { remote_manager_.release(); }
  void set_builtin(Node& node, std::uint64_t peer_ptr) {
    hold_for_owner(node);
    builtin_ = &node;
    builtin_peer_ptr_ = peer_ptr;
  }
  void set_builtin_for(HostId host, Node& node) {
    hold_for_owner(node);
    builtin_for_[host] = &node;
  }
  void end_builtin() {
    builtin_ = nullptr;
    builtin_for_.clear();
  }

 private:
  static void hold_for_owner(Node& node) {
    Nodes::hold(node, RefKind::kStrong);
    Nodes::hold(node, RefKind::kWeak);
    Nodes::owner_holds(node);
  }

  std::string name_;
  Scope scope_;
  bool builtin_yields_ = true;
  AccessRules manage_rules_;
  bool listed_ = true;
  Node* manager_ = nullptr;
  NodeHold remote_manager_;  // strong and weak
  Node* builtin_ = nullptr;
  boost::container::flat_map<HostId, Node*> builtin_for_;
  std::uint64_t builtin_peer_ptr_ = 0;
  std::optional<std::uint32_t> manager_uid_;
  mutable CallCounts calls_;
};

}  // namespace netbinder
