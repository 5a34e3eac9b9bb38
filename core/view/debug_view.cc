// SPDX-License-Identifier: Apache-2.0
#include "core/view/debug_view.h"

#include <algorithm>
#include <set>

#include "core/cluster/cluster.h"
#include "core/view/views.h"

namespace netbinder {

namespace {

template <typename Map>
auto sorted_values(const Map& map) {
  std::vector<std::pair<typename Map::key_type, decltype(&*map.begin()->second)>> values;
  for (const auto& [key, value] : map) values.emplace_back(key, &*value);
  std::sort(values.begin(), values.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return values;
}

std::string home_name(const Node& node) {
  const ImportedNode* import = node.import();
  return import == nullptr ? std::string() : import->home().name();
}

NodeName name_of(const Node& node) { return {node.debug_id(), node.ptr(), node.cookie()}; }

}  // namespace

TransactionView DebugViews::view_of(const Transaction& transaction) const {
  const TransactionHead& head = transaction.head();
  TransactionView view;
  view.debug_id = head.debug_id;
  view.from_pid = head.from_pid;
  view.from_tid = head.from_tid;
  if (const Peer* caller = transaction.caller_host()) view.from_host = caller->name();
  if (const Process* process = transaction.to_process()) view.to_pid = process->pid();
  if (const Thread* thread = transaction.to_thread()) view.to_tid = thread->tid().value();
  if (cluster_ != nullptr) view.to_host = views_.host_name(cluster_->called_host(transaction));
  view.code = head.code;
  view.flags = head.flags.bits();
  view.nice = head.nice;
  view.awaits_reply = transaction.awaits_reply();
  view.elapsed_ms = model_.now_ms - head.start_ms;
  if (const Buffer* buffer = transaction.buffer()) {
    view.payload = {.node = buffer->target() != nullptr ? buffer->target()->debug_id() : 0,
                    .data_size = buffer->shape().data_size,
                    .offsets_size = buffer->shape().offsets_size,
                    .offset = buffer->offset()};
  }
  return view;
}

WorkView DebugViews::view_of(const Work& work) const {
  WorkView view{.kind = work.kind(), .transaction = std::nullopt, .node = {}, .error = 0};
  if (work.kind() == WorkKind::kTransaction) {
    view.transaction = view_of(static_cast<const Transaction&>(work));
  } else if (work.kind() == WorkKind::kNode) {
    view.node = name_of(static_cast<const NodeWork&>(work).node());
  } else if (work.kind() == WorkKind::kReturnError) {
    view.error = static_cast<const ErrorWork&>(work).command();
  }
  return view;
}

ThreadView DebugViews::view_of(const Thread& thread) const {
  ThreadView view;
  view.tid = thread.tid().value();
  view.looper = thread.looper().bits();
  view.need_return = thread.need_return();
  for (const Transaction* transaction = thread.stack(); transaction != nullptr;) {
    const bool incoming = transaction->to_thread() == &thread;
    view.stack.push_back({.incoming = incoming, .transaction = view_of(*transaction)});
    transaction = incoming ? transaction->to_parent() : transaction->from_parent();
  }
  for (const Work& work : thread.todo()) {
    view.todo.push_back(view_of(work));
    if (auto& transaction = view.todo.back().transaction) transaction->to_tid = view.tid;
  }
  return view;
}

NodeView DebugViews::view_of(const Node& node) const {
  NodeView view;
  view.name = name_of(node);
  view.has_strong = node.owner_has_strong();
  view.has_weak = node.owner_has_weak();
  view.local_strong = node.local_strong();
  view.local_weak = node.local_weak();
  view.internal_strong = node.internal_strong();
  for (const Ref& ref : node.refs()) {
    if (const Process* holder = ref.process()) {
      view.holder_pids.push_back(holder->pid());
    } else {
      view.holder_hosts.push_back(ref.peer()->name());
    }
  }
  for (const Work& work : node.oneways().waiting()) view.async_todo.push_back(view_of(work));
  return view;
}

ProcessDebugView DebugViews::view_of(const Process& process) const {
  ProcessDebugView view;
  view.id = process.id();
  view.pid = process.pid();
  view.context = process.context().name();
  for (const auto& [tid, thread] : process.threads()) {
    view.threads.push_back(view_of(*thread));
  }
  for (const auto& [ptr, node] : sorted_values(process.nodes())) {
    view.nodes.push_back(view_of(*node));
  }
  for (const ProcessRef* ref : process.refs().all()) {
    view.refs.push_back({.debug_id = ref->debug_id(),
                         .handle = ref->handle().value(),
                         .node = ref->node().debug_id(),
                         .node_dead = ref->node().dead(),
                         .node_host = home_name(ref->node()),
                         .strong = ref->strong(),
                         .weak = ref->weak(),
                         .death_requested = ref->death() != nullptr});
  }
  for (const Buffer* buffer : process.arena().allocator().allocated()) {
    view.buffers.push_back({.debug_id = buffer->debug_id(),
                            .offset = buffer->offset(),
                            .data_size = buffer->shape().data_size,
                            .offsets_size = buffer->shape().offsets_size,
                            .extra_size = buffer->shape().extra_size,
                            .delivered = buffer->transaction() == nullptr});
  }
  for (const Work& work : process.loopers().todo()) view.todo.push_back(view_of(work));
  view.has_delivered_death = !process.delivered_deaths().empty();
  view.has_delivered_freeze = !process.delivered_freezes().empty();

  view.commands = process.commands();
  view.requested_threads = process.loopers().requested();
  view.requested_threads_started = process.loopers().started();
  view.max_threads = process.loopers().max_threads();
  view.waiting_threads = process.loopers().waiting();
  view.free_async_bytes = process.arena().allocator().free_async_space();
  const BufferAllocator::Pages pages = process.arena().allocator().pages();
  view.pages_used = pages.used;
  view.pages_kept = pages.kept;
  view.pages_untouched = pages.untouched;
  view.pages_high = pages.high;
  return view;
}

DebugState DebugViews::state(const Viewer& viewer) const {
  DebugState state;
  std::set<const Node*> dead;
  for (const auto& [id, process] : sorted_values(model_.processes())) {
    if (!viewer.sees(process->credentials().euid)) continue;
    state.processes.push_back(view_of(*process));
    for (const ProcessRef* ref : process->refs().all()) {
      if (ref->node().dead()) dead.insert(&ref->node());
    }
  }
  std::reverse(state.processes.begin(), state.processes.end());
  for (const Node* node : dead) state.dead_nodes.push_back(view_of(*node));
  std::sort(state.dead_nodes.begin(), state.dead_nodes.end(),
            [](const NodeView& a, const NodeView& b) { return a.name.debug_id > b.name.debug_id; });
  return state;
}

std::vector<TransactionLogEntry> DebugViews::entries(const TransactionLog& log,
                                                     const Viewer& viewer) const {
  std::vector<TransactionLogEntry> seen;
  std::set<std::int32_t> pids;
  if (viewer.euid) {
    for (const auto& [id, process] : model_.processes()) {
      if (viewer.sees(process->credentials().euid)) pids.insert(process->pid());
    }
  }
  for (const TransactionLogEntry& entry : log.entries()) {
    const bool from_own = entry.from_host == HostId{} && pids.contains(entry.from_pid);
    const bool to_own = entry.to_host == HostId{} && pids.contains(entry.to_pid);
    if (!viewer.euid || from_own || to_own) seen.push_back(entry);
  }
  return seen;
}

ObjectCounts DebugViews::object_counts() const {
  const auto count = [](const auto& pool) {
    return ObjectCount{.active = pool.live(), .total = pool.created()};
  };
  std::size_t threads = 0;
  for (const auto& [id, process] : model_.processes()) threads += process->threads().size();
  ObjectCount refs = count(model_.refs);
  if (cluster_ != nullptr) {
    refs.active += cluster_->exports().live();
    refs.total += cluster_->exports().created();
  }
  return {.processes = {.active = model_.processes().size(), .total = model_.processes_created()},
          .threads = {.active = threads, .total = model_.statistics.threads_created},
          .nodes = count(model_.nodes),
          .refs = refs,
          .deaths = count(model_.deaths),
          .transactions = count(model_.calls),
          .completions = count(model_.completions),
          .freezes = count(model_.freezes)};
}

}  // namespace netbinder
