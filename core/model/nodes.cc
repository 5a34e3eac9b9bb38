// SPDX-License-Identifier: Apache-2.0
#include "core/model/nodes.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/model/model.h"

namespace netbinder {

// ---- making ----

Node& Nodes::create(Process& owner, std::uint64_t ptr, std::uint64_t cookie, NodeFlags flags) {
  const NodeIdentity identity{.host = model_.setup.host,
                              .incarnation = model_.setup.incarnation,
                              .number = NodeNumber{next_number_++}};
  Node* node = pool_.create(identity, model_.next_debug_id());
  node->kind_ = Node::Local{&owner};
  node->ptr_ = ptr;
  node->cookie_ = cookie;
  node->flags_ = flags;
  owner.add_node(*node);
  return *node;
}

Node& Nodes::create_imported(const NodeIdentity& identity, Peer& home) {
  Node* node = pool_.create(identity, model_.next_debug_id());
  node->kind_.emplace<ImportedNode>(home);
  return *node;
}

Node& Nodes::dead(const NodeIdentity& identity) {
  const auto [found, made] = dead_.emplace(identity, nullptr);
  if (made) found->second = pool_.create(identity, model_.next_debug_id());
  return *found->second;
}

Node& Nodes::dead_as_given(const NodeIdentity& identity, RefKind kind, const char* reason) {
  Node& node = dead(identity);
  auto& death = std::get<Node::Dead>(node.kind_);
  if (kind == RefKind::kStrong) death.given_strong = true;
  if (reason != nullptr) death.reason = reason;
  return node;
}

// ---- references from refs ----

bool Nodes::increment(Ref& ref, RefKind kind, Thread* teller) {
  Node& node = ref.node();
  std::uint64_t& count = kind == RefKind::kStrong ? ref.strong_ : ref.weak_;
  if (count > 0) {
    ++count;
    return true;
  }
  // A first strong reference needs a thread of the owner's that can tell it, unless the node is a
  // context's manager (whose owner holds it from the start) or its home counts a strong one for us.
  // A weak one is always granted, as by the kernel's driver: the owner may never be told of it.
  if (kind == RefKind::kStrong) {
    if (teller == nullptr && node.internal_strong_ == 0) {
      bool granted = false;
      if (const ImportedNode* import = node.import()) {
        granted = import->may_be_strong();
      } else if (const auto* dead = std::get_if<Node::Dead>(&node.kind_)) {
        granted = dead->given_strong;
      } else {
        granted = node.strong_view_.has() && node.owner()->context().leads_to(node);
      }
      if (!granted) return false;
    }
    ++node.internal_strong_;
    if (!node.strong_view_.has() && teller != nullptr && node.local()) {
      dequeue_work(node);
      LooperPool::queue_deferred(*teller, node.work_);
    }
  } else if (!node.weak_view_.has() && !node.work_.queued() && node.local() && teller != nullptr) {
    LooperPool::queue_deferred(*teller, node.work_);
  }
  ++count;
  return true;
}

void Nodes::decrement(Ref& ref, RefKind kind) {
  std::uint64_t& count = kind == RefKind::kStrong ? ref.strong_ : ref.weak_;
  if (count == 0) return;
  --count;
  if (kind == RefKind::kStrong && count == 0) drop_strong_ref(ref.node());
  if (ref.unused()) ref.destroy();
}

void Nodes::give_back(Ref& ref, std::uint64_t strong, std::uint64_t weak) {
  NB_CHECK(strong <= ref.strong_ && weak <= ref.weak_);
  if (strong > 0) {
    ref.strong_ -= strong;
    if (ref.strong_ == 0) drop_strong_ref(ref.node());
  }
  ref.weak_ -= weak;
  if (ref.unused()) ref.destroy();
}

void Nodes::unlink(Ref& ref) {
  Node& node = ref.node();
  node.refs_.erase(node.refs_.iterator_to(ref));
  // The node is judged once, when both the strong and the weak reference are gone.
  bool last = !node.weakly_held();
  if (ref.strong_ > 0) {
    NB_CHECK(node.internal_strong_ > 0);
    --node.internal_strong_;
    last = last || !node.strongly_held();
  }
  if (last) judge(node);
}

void Nodes::drop_strong_ref(Node& node) {
  NB_CHECK(node.internal_strong_ > 0);
  --node.internal_strong_;
  if (!node.strongly_held()) judge(node);
}

// ---- references from elsewhere ----

void Nodes::drop(Node& node, RefKind kind) {
  std::uint64_t& count = kind == RefKind::kStrong ? node.local_strong_ : node.local_weak_;
  NB_CHECK(count > 0);
  --count;
  const bool still_held = kind == RefKind::kStrong ? node.strongly_held() : node.weakly_held();
  if (!still_held) judge(node);
}

// ---- the owner's view ----

Nodes::Told Nodes::tell_owner(Node& node) {
  const bool strong = node.strongly_held();
  const bool weak = node.weakly_held() || strong;
  Told told;
  told.who = {.ptr = node.ptr_, .cookie = node.cookie_};
  if (weak && !node.weak_view_.has()) {
    told.increfs = true;
    node.weak_view_.announce();
    ++node.local_weak_;
  }
  if (strong && !node.strong_view_.has()) {
    told.acquire = true;
    node.strong_view_.announce();
    ++node.local_strong_;
  }
  if (!strong && node.strong_view_.has()) {
    told.release = true;
    node.strong_view_.release();
  }
  if (!weak) {
    told.decrefs = node.weak_view_.has();
    node.weak_view_.release();
    destroy(node);
  }
  return told;
}

void Nodes::acknowledged(Node& node, RefKind kind, std::uint64_t cookie) {
  OwnerView& view = kind == RefKind::kStrong ? node.strong_view_ : node.weak_view_;
  // The announcement counted as a reference. The owner now has its own, so that one is dropped.
  if (node.cookie_ == cookie && view.acknowledge()) drop(node, kind);
}

void Nodes::renumber(Node& node) {
  NB_CHECK(node.local());
  node.identity_.number = NodeNumber{next_number_++};
}

// ---- ends ----

void Nodes::judge(Node& node) {
  if (node.local() && (node.strong_view_.has() || node.weak_view_.has())) {
    if (!node.work_.queued()) node.owner()->loopers().queue(node.work_);
    return;
  }
  const ImportedNode* import = node.import();
  const bool unused =
      !node.weakly_held() && !node.strongly_held() && (import == nullptr || !import->claimed());
  if (unused) {
    destroy(node);
  } else if (import != nullptr) {
    model_.end.settle(node);
  }
}

void Nodes::owner_died(Node& node) {
  node.work_.dequeue();
  node.local_strong_ = 0;
  node.local_weak_ = 0;
  if (node.refs_.empty()) {
    destroy(node);
    return;
  }
  node.owner()->remove_node(node);
  node.kind_ = Node::Dead{};
  dead_.emplace(node.identity_, &node);
  tell_death(node);
}

void Nodes::lose_home(Node& node, const char* reason) {
  NB_CHECK(node.imported());
  node.kind_ = Node::Dead{.reason = reason};
  dead_.emplace(node.identity_, &node);
}

void Nodes::tell_death(Node& node) {
  NB_CHECK(node.dead());
  hold(node, RefKind::kWeak);  // while its refs are looked at
  for (auto it = node.refs_.begin(); it != node.refs_.end();) {
    Ref& ref = *it++;
    ref.node_died();
  }
  drop(node, RefKind::kWeak);
}

void Nodes::dequeue_work(Node& node) {
  if (!node.work_.queued()) return;
  node.work_.dequeue();
  if (Process* owner = node.owner()) model_.end.touch(*owner);  // there may be nothing else to read
}

void Nodes::destroy(Node& node) {
  NB_CHECK(node.refs_.empty() && node.oneways_.waiting().empty());
  dequeue_work(node);
  if (Process* owner = node.owner()) owner->remove_node(node);
  model_.end.forget(node);
  if (node.imported()) model_.elsewhere->node_ends(node);
  if (const auto found = dead_.find(node.identity_);
      found != dead_.end() && found->second == &node) {
    dead_.erase(found);
  }
  pool_.destroy(&node);
}

}  // namespace netbinder
