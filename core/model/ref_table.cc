// SPDX-License-Identifier: Apache-2.0
#include "core/model/ref_table.h"

#include <cerrno>
#include <utility>

#include "core/base/check.h"
#include "core/model/model.h"

namespace netbinder {

Process* ProcessRef::process() const { return &table_.process_; }

void ProcessRef::node_died() {
  if (death_ != nullptr && !death_->queued()) table_.process_.loopers().queue(*death_);
}

void ProcessRef::owner_froze(bool frozen) {
  if (freeze_ == nullptr) return;
  if (freeze_->change(frozen) == FreezeNotification::Next::kQueue) {
    table_.process_.loopers().queue(*freeze_);
  }
}

void ProcessRef::destroy() { table_.destroy(*this); }

Node* RefTable::node_of(Handle handle, RefKind kind) const {
  const ProcessRef* ref = find(handle);
  if (ref == nullptr || (kind == RefKind::kStrong && ref->strong() == 0)) return nullptr;
  return &ref->node();
}

ProcessRef& RefTable::get(Node& node) {
  if (const auto found = by_node_.find(&node); found != by_node_.end()) return *found->second;
  const std::uint32_t debug_id = model_.next_debug_id();
  const Handle handle =
      handles_.lowest_free(&node == process_.context().handle_zero() ? Handle{0} : Handle{1});
  ProcessRef* ref = model_.refs.create(*this, node, debug_id, handle);
  process_.user().refs.add();
  handles_.insert(handle, ref);
  by_node_.emplace(&node, ref);
  node.refs().push_back(*ref);
  return *ref;
}

std::expected<Handle, int> RefTable::increment(Node& node, RefKind kind, Thread* teller) {
  if (!process_.user().may_add_ref() && !by_node_.contains(&node)) return std::unexpected(-ENOMEM);
  ProcessRef& ref = get(node);
  if (!model_.nodes.increment(ref, kind, teller)) {
    if (ref.unused()) destroy(ref);
    return std::unexpected(-EINVAL);
  }
  return ref.handle();
}

void RefTable::destroy(ProcessRef& ref) {
  handles_.erase(ref.handle());
  NB_CHECK(by_node_.erase(&ref.node()) == 1);
  if (ref.death_ != nullptr) model_.deaths.destroy(ref.death_);
  if (ref.freeze_ != nullptr) model_.freezes.destroy(ref.freeze_);
  model_.nodes.unlink(ref);
  model_.refs.destroy(&ref);
  process_.user().refs.remove();
}

std::expected<DeathNotification*, int> RefTable::request_death(ProcessRef& ref,
                                                               std::uint64_t cookie) {
  if (ref.death_ != nullptr) return nullptr;
  if (!process_.user().may_add_todo()) return std::unexpected(-ENOMEM);
  return ref.death_ = model_.deaths.create(process_.user(), ref, cookie);
}

std::expected<FreezeNotification*, int> RefTable::request_freeze(ProcessRef& ref,
                                                                 std::uint64_t cookie) {
  if (ref.freeze_ != nullptr) return nullptr;
  if (!process_.user().may_add_todo()) return std::unexpected(-ENOMEM);
  return ref.freeze_ = model_.freezes.create(process_.user(), ref, cookie);
}

DeathNotification& RefTable::detach_death(ProcessRef& ref) {
  return *std::exchange(ref.death_, nullptr);
}

FreezeNotification& RefTable::detach_freeze(ProcessRef& ref) {
  return *std::exchange(ref.freeze_, nullptr);
}

void RefTable::check() const {
  NB_CHECK(handles_.size() == by_node_.size());
  for (const ProcessRef* ref : handles_.all()) {
    NB_CHECK(!ref->unused() && by_node_.at(&ref->node()) == ref);
    // A process has no handle for its own nodes, except for handle 0 of a manager.
    NB_CHECK(ref->node().owner() != &process_ || ref->handle() == Handle{0});
    NB_CHECK(ref->death_ == nullptr || ref->death_->ref() == ref);
    NB_CHECK(ref->freeze_ == nullptr || ref->freeze_->ref() == ref);
  }
}

}  // namespace netbinder
