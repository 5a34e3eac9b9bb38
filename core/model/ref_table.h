// SPDX-License-Identifier: Apache-2.0
//
// The refs of one process: by handle, and by node. Part of the process; makes and destroys them.
// Invariant: both indices hold the same refs, and every ref has a count.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <expected>
#include <vector>

#include "core/base/ids.h"
#include "core/model/handle_table.h"
#include "core/model/notifications.h"
#include "core/model/ref.h"

namespace netbinder {

class Model;
class RefTable;

// The references of a process to one node.
class ProcessRef final : public Ref {
 public:
  ProcessRef(RefTable& table, Node& node, std::uint32_t debug_id, Handle handle)
      : Ref(node, debug_id), table_(table), handle_(handle) {}

  [[nodiscard]] Handle handle() const { return handle_; }
  [[nodiscard]] Process* process() const override;
  [[nodiscard]] DeathNotification* death() const { return death_; }
  [[nodiscard]] FreezeNotification* freeze() const { return freeze_; }

  void node_died() override;
  void owner_froze(bool frozen) override;
  void destroy() override;

 private:
  friend class RefTable;

  RefTable& table_;
  Handle handle_;
  DeathNotification* death_ = nullptr;    // until it is cleared
  FreezeNotification* freeze_ = nullptr;  // likewise
};

class RefTable {
 public:
  RefTable(Model& model, Process& process) : model_(model), process_(process) {}
  RefTable(const RefTable&) = delete;
  RefTable& operator=(const RefTable&) = delete;

  [[nodiscard]] ProcessRef* find(Handle handle) const { return handles_.find(handle); }
  // The node that a handle leads to; null: there is none, or no strong reference though `kind` is.
  [[nodiscard]] Node* node_of(Handle handle, RefKind kind) const;
  // Adds a count of the node for the process, which gets a new handle if it has none. -EINVAL: it
  // is the first strong reference, and nobody can tell the owner (Nodes::increment).
  std::expected<Handle, int> increment(Node& node, RefKind kind, Thread* teller);

  // ---- notifications ----
  // Null: the ref has one already. -ENOMEM: the user has as many as it may.
  std::expected<DeathNotification*, int> request_death(ProcessRef& ref, std::uint64_t cookie);
  std::expected<FreezeNotification*, int> request_freeze(ProcessRef& ref, std::uint64_t cookie);
  // Afterwards the caller queues the notification, or leaves it in its list.
  DeathNotification& detach_death(ProcessRef& ref);
  FreezeNotification& detach_freeze(ProcessRef& ref);

  // The one of the lowest handle not below that; null: there is none.
  [[nodiscard]] ProcessRef* first(Handle from = Handle{0}) const { return handles_.first(from); }
  // All by ascending handle.
  [[nodiscard]] std::vector<ProcessRef*> all() const { return handles_.all(); }
  [[nodiscard]] std::size_t size() const { return handles_.size(); }
  void check() const;

 private:
  friend class ProcessRef;

  ProcessRef& get(Node& node);
  void destroy(ProcessRef& ref);

  Model& model_;
  Process& process_;
  HandleTable handles_;
  boost::unordered_flat_map<const Node*, ProcessRef*> by_node_;
};

}  // namespace netbinder
