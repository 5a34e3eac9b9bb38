// SPDX-License-Identifier: Apache-2.0
//
// A node: an object that calls are made to. It is one of three kinds: local (a process of this host
// owns it), imported (its home is another host that is up) or dead (its owner or its home is gone).
// It lives while anything refers to it: a ref, a local count, an announcement that its owner has
// not acknowledged, a claim under way. Owned by Nodes, which alone changes its counts and kind.
//
//   local -> dead      the owner has died, and somebody refers to it
//   imported -> dead   the home says so, or its session is over
// No edge leads to local or imported: a new object gets a new node, and a node that comes back with
// a new session has a new identity.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <cstdint>
#include <memory>
#include <utility>
#include <variant>

#include "core/base/ids.h"
#include "core/base/uapi.h"
#include "core/model/access_rules.h"
#include "core/model/imported_node.h"
#include "core/model/oneway_queue.h"
#include "core/model/owner_view.h"
#include "core/model/ref.h"
#include "core/model/work.h"

namespace netbinder {

class EndOfEvent;
class Node;
class Process;

class NodeWork final : public Work {
 public:
  explicit NodeWork(Node& node) : Work(WorkKind::kNode), node_(node) {}
  [[nodiscard]] Node& node() const { return node_; }

 private:
  Node& node_;
};

// The flags that the owner gave a node when it first sent it: FLAT_BINDER_FLAG_*.
class NodeFlags {
 public:
  NodeFlags() = default;
  explicit NodeFlags(std::uint32_t flags)
      : min_priority_(static_cast<std::uint8_t>(flags & FLAT_BINDER_FLAG_PRIORITY_MASK)),
        accept_fds_((flags & FLAT_BINDER_FLAG_ACCEPTS_FDS) != 0),
        security_context_((flags & FLAT_BINDER_FLAG_TXN_SECURITY_CTX) != 0) {}
  [[nodiscard]] std::int32_t min_priority() const { return min_priority_; }
  [[nodiscard]] bool accept_fds() const { return accept_fds_; }
  [[nodiscard]] bool wants_security_context() const { return security_context_; }

 private:
  std::uint8_t min_priority_ = 0;
  bool accept_fds_ = false;
  bool security_context_ = false;
};

class Node {
 public:
  using RefList = boost::intrusive::list<
      Ref,
      boost::intrusive::member_hook<Ref, boost::intrusive::list_member_hook<>, &Ref::node_hook>>;

  Node(const NodeIdentity& identity, std::uint32_t debug_id)
      : identity_(identity), debug_id_(debug_id), work_(*this) {}
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // ---- kind ----
  [[nodiscard]] bool local() const { return std::holds_alternative<Local>(kind_); }
  [[nodiscard]] bool dead() const { return std::holds_alternative<Dead>(kind_); }
  [[nodiscard]] bool imported() const { return std::holds_alternative<ImportedNode>(kind_); }
  [[nodiscard]] Process* owner() const {  // null unless local
    const auto* local = std::get_if<Local>(&kind_);
    return local == nullptr ? nullptr : local->owner;
  }
  [[nodiscard]] ImportedNode* import() { return std::get_if<ImportedNode>(&kind_); }
  [[nodiscard]] const ImportedNode* import() const { return std::get_if<ImportedNode>(&kind_); }

  // Why it is dead, for logs; null: its owner has ended, or its home is gone.
  [[nodiscard]] const char* death_reason() const {
    const auto* dead = std::get_if<Dead>(&kind_);
    return dead == nullptr ? nullptr : dead->reason;
  }

  // ---- what it is ----
  [[nodiscard]] const NodeIdentity& identity() const { return identity_; }
  [[nodiscard]] NodeNumber number() const { return identity_.number; }
  [[nodiscard]] std::uint32_t debug_id() const { return debug_id_; }
  [[nodiscard]] std::uint64_t ptr() const { return ptr_; }
  [[nodiscard]] std::uint64_t cookie() const { return cookie_; }
  [[nodiscard]] const NodeFlags& flags() const { return flags_; }

  // ---- counts ----
  [[nodiscard]] const RefList& refs() const { return refs_; }
  [[nodiscard]] RefList& refs() { return refs_; }
  // Refs with strong counts.
  [[nodiscard]] std::uint64_t internal_strong() const { return internal_strong_; }
  // Counts held by buffers, managers, handoffs, and announcements that are not acknowledged.
  [[nodiscard]] std::uint64_t local_strong() const { return local_strong_; }
  [[nodiscard]] std::uint64_t local_weak() const { return local_weak_; }
  [[nodiscard]] bool strongly_held() const { return internal_strong_ > 0 || local_strong_ > 0; }
  [[nodiscard]] bool weakly_held() const { return !refs_.empty() || local_weak_ > 0; }
  [[nodiscard]] bool owner_has_strong() const { return strong_view_.has(); }
  [[nodiscard]] bool owner_has_weak() const { return weak_view_.has(); }

  // ---- who may call it ----
  // Null: everybody who has it.
  [[nodiscard]] const AccessRules* call_rules() const { return call_rules_.get(); }
  void set_call_rules(std::unique_ptr<const AccessRules> rules) { call_rules_ = std::move(rules); }

  [[nodiscard]] OnewayQueue& oneways() { return oneways_; }
  [[nodiscard]] const OnewayQueue& oneways() const { return oneways_; }
  [[nodiscard]] const NodeWork& work() const { return work_; }

  // Buffers of its owner with calls to it.
  [[nodiscard]] std::uint32_t calls() const { return calls_; }

  // Aborts unless its refs and its counts agree.
  void check() const;

  // For the set of the process that owns it only.
  boost::intrusive::set_member_hook<boost::intrusive::optimize_size<true>> owner_hook;

 private:
  friend class Allocation;
  friend class EndOfEvent;
  friend class Nodes;

  struct Local {
    Process* owner;
  };
  struct Dead {
    // A peer passed it on as a strong reference, although it is dead.
    bool given_strong = false;
    const char* reason = nullptr;  // static text, if it is not its owner's end
  };

  NodeIdentity identity_;
  std::uint64_t ptr_ = 0;  // the owner's ptr and cookie for it, kept when it dies
  std::uint64_t cookie_ = 0;
  std::uint32_t debug_id_;
  std::uint32_t calls_ = 0;
  NodeFlags flags_;
  OwnerView strong_view_;
  OwnerView weak_view_;
  bool settling_ = false;  // listed by EndOfEvent
  std::variant<Dead, Local, ImportedNode> kind_{Dead{false}};
  std::uint64_t internal_strong_ = 0;
  std::uint64_t local_strong_ = 0;
  std::uint64_t local_weak_ = 0;
  RefList refs_;
  NodeWork work_;
  OnewayQueue oneways_;
  std::unique_ptr<const AccessRules> call_rules_;
};

}  // namespace netbinder
