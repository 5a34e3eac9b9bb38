// SPDX-License-Identifier: Apache-2.0
//
// The contents of the driver's debug files, as plain values. Made on request; they refer to no
// object of the driver. DebugViews, which makes them, is owned by the Driver. What all processes have
// is made in slices (core/view/debug_collection.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "core/base/statistics.h"
#include "core/model/transaction_log.h"
#include "core/model/work.h"
#include "core/view/viewer.h"

namespace netbinder {

struct TransactionView {
  std::uint32_t debug_id = 0;
  std::int32_t from_pid = 0;
  std::uint32_t from_tid = 0;
  std::string from_host;  // empty: this one
  std::int32_t to_pid = 0;
  std::uint32_t to_tid = 0;  // 0: no thread has it yet
  std::string to_host;       // empty: this one
  std::uint32_t code = 0;
  std::uint32_t flags = 0;
  std::int32_t nice = 0;
  bool awaits_reply = false;
  std::uint64_t elapsed_ms = 0;
  struct Payload {
    std::uint32_t node = 0;  // debug id of the target; 0 for replies
    std::uint64_t data_size = 0;
    std::uint64_t offsets_size = 0;
    std::uint64_t offset = 0;  // in the receiver's mapping
  };
  std::optional<Payload> payload;  // none once it is freed
};

struct NodeName {
  std::uint32_t debug_id = 0;
  std::uint64_t ptr = 0;
  std::uint64_t cookie = 0;
};

// The work that waits in one list: the first kMost, and whether there is more.
struct WorkView;
struct WorkListView {
  static constexpr std::size_t kMost = 1024;
  std::vector<WorkView> first;
  bool more = false;
};

struct WorkView {
  WorkKind kind;
  std::optional<TransactionView> transaction;  // of kTransaction
  NodeName node;                               // of kNode
  std::uint32_t error = 0;                     // of kReturnError: the BR_* command
};

struct StackEntryView {
  bool incoming;  // the thread handles it; otherwise it waits for the reply
  TransactionView transaction;
};

struct ThreadView {
  std::uint32_t tid = 0;
  std::uint32_t looper = 0;
  bool need_return = false;
  std::vector<StackEntryView> stack;  // latest first
  WorkListView todo;
};

struct NodeView {
  NodeName name;
  bool has_strong = false;
  bool has_weak = false;
  std::uint64_t local_strong = 0;
  std::uint64_t local_weak = 0;
  std::uint64_t internal_strong = 0;
  std::vector<std::int32_t> holder_pids;
  std::vector<std::string> holder_hosts;
  WorkListView async_todo;
};

struct RefView {
  std::uint32_t debug_id = 0;
  std::uint32_t handle = 0;
  std::uint32_t node = 0;  // its debug id
  bool node_dead = false;
  std::string node_host;  // empty: this one
  std::uint64_t strong = 0;
  std::uint64_t weak = 0;
  bool death_requested = false;
};

struct BufferView {
  std::uint32_t debug_id = 0;
  std::uint64_t offset = 0;
  std::uint64_t data_size = 0;
  std::uint64_t offsets_size = 0;
  std::uint64_t extra_size = 0;
  bool delivered = false;  // read, and the program's until it frees it
};

struct ProcessDebugView {
  ProcessId id;
  std::int32_t pid = 0;
  std::uint32_t euid = 0;
  std::string context;
  std::vector<ThreadView> threads;  // by tid
  std::deque<NodeView> nodes;       // by ptr
  std::deque<RefView> refs;         // by handle
  std::deque<BufferView> buffers;   // by address
  WorkListView todo;
  bool has_delivered_death = false;
  bool has_delivered_freeze = false;

  // For the statistics.
  CommandCounts commands;
  std::uint32_t requested_threads = 0;
  std::uint32_t requested_threads_started = 0;
  std::uint32_t max_threads = 0;
  std::size_t waiting_threads = 0;
  std::uint64_t free_async_bytes = 0;
  std::uint64_t arena_bytes = 0;
  std::uint64_t arena_free_bytes = 0;
  std::uint64_t outstanding = 0;  // calls and replies queued to it, and calls that it handles
  std::uint64_t pages_used = 0;  // under buffers
  std::uint64_t pages_kept = 0;  // were used
  std::uint64_t pages_untouched = 0;
  std::uint64_t pages_high = 0;
};

struct DebugState {
  std::deque<NodeView> dead_nodes;  // that these processes have refs to, in any order
  std::deque<ProcessDebugView> processes;  // latest first

  // The latest first, as the debug files have them.
  void sort_dead_nodes();
};

// How many objects of a kind there are, and how many were ever made.
struct ObjectCount {
  std::uint64_t active = 0;
  std::uint64_t total = 0;
};
struct ObjectCounts {
  ObjectCount processes, threads, nodes, refs, deaths, transactions, completions, freezes;
};

class Buffer;
class Cluster;
class Model;
class Node;
class Process;
class ProcessRef;
class Thread;
class Transaction;
class Views;

class DebugViews {
 public:
  // `cluster` is null on a host that is alone.
  DebugViews(const Model& model, const Views& views, const Cluster* cluster)
      : model_(model), views_(views), cluster_(cluster) {}

  // Takes time in proportion to all objects that the viewer sees. The dead nodes are sorted.
  [[nodiscard]] DebugState state(const Viewer& viewer) const;
  // The entries with a process that the viewer sees. Entries of other users' programs that have
  // ended are only for viewers who see everything.
  [[nodiscard]] std::vector<TransactionLogEntry> entries(const TransactionLog& log,
                                                         const Viewer& viewer) const;
  [[nodiscard]] ObjectCounts object_counts() const;

 private:
  friend class DebugCollection;

  [[nodiscard]] TransactionView view_of(const Transaction& transaction) const;
  [[nodiscard]] WorkView view_of(const Work& work) const;
  [[nodiscard]] WorkListView view_of(const TodoList& list) const;
  [[nodiscard]] ThreadView view_of(const Thread& thread) const;
  [[nodiscard]] NodeView view_of(const Node& node) const;
  [[nodiscard]] static RefView view_of(const ProcessRef& ref);
  [[nodiscard]] static BufferView view_of(const Buffer& buffer);
  // Without nodes, refs, buffers.
  [[nodiscard]] ProcessDebugView view_of(const Process& process) const;

  const Model& model_;
  const Views& views_;
  const Cluster* cluster_;
};

}  // namespace netbinder
