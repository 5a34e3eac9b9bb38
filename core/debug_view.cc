// SPDX-License-Identifier: Apache-2.0
#include "core/debug_view.h"

#include <algorithm>
#include <set>

#include "core/driver.h"

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

NodeName name_of(const Node& node) { return {node.debug_id, node.ptr, node.cookie}; }

}  // namespace

std::string Driver::host_name(HostId host) const {
  if (host == HostId{}) return {};
  if (host == setup_.host) return setup_.host_name;
  const auto peer = peers_.find(host);
  return peer != peers_.end() ? peer->second->name : "host " + std::to_string(host.value());
}

TransactionView Driver::view_of(const Transaction& transaction) const {
  TransactionView view;
  view.debug_id = transaction.debug_id;
  view.from_pid = transaction.from_pid;
  view.from_tid = transaction.from_tid;
  if (transaction.remote_from != nullptr) view.from_host = transaction.remote_from->name;
  if (transaction.to_process != nullptr) view.to_pid = transaction.to_process->credentials.pid;
  if (transaction.to_thread != nullptr) {
    view.to_tid = transaction.to_thread->tid.value();
  }
  if (const auto call = outgoing_.find(transaction.own_call);
      call != outgoing_.end() && call->second.peer != nullptr) {
    view.to_host = call->second.peer->name;
  }
  view.code = transaction.code;
  view.flags = transaction.flags;
  view.nice = transaction.nice;
  view.awaits_reply = !transaction.is_reply && (transaction.flags & TF_ONE_WAY) == 0;
  view.elapsed_ms = now_ms_ - transaction.start_ms;
  if (const Buffer* buffer = transaction.buffer) {
    view.payload = {.node = buffer->target_node != nullptr ? buffer->target_node->debug_id : 0,
                    .data_size = buffer->shape.data_size,
                    .offsets_size = buffer->shape.offsets_size,
                    .offset = buffer->offset};
  }
  return view;
}

WorkView Driver::view_of(const Work& work) const {
  WorkView view{.kind = work.kind, .transaction = std::nullopt, .node = {}, .error = 0};
  if (work.kind == WorkKind::kTransaction) {
    view.transaction = view_of(static_cast<const Transaction&>(work));
  } else if (work.kind == WorkKind::kNode) {
    view.node = name_of(static_cast<const NodeWork&>(work).node);
  } else if (work.kind == WorkKind::kReturnError) {
    view.error = static_cast<const ErrorWork&>(work).command;
  }
  return view;
}

ThreadView Driver::view_of(const Thread& thread) const {
  ThreadView view;
  view.tid = thread.tid.value();
  view.looper = thread.looper;
  view.need_return = thread.need_return;
  for (const Transaction* transaction = thread.transaction_stack; transaction != nullptr;) {
    const bool incoming = transaction->to_thread == &thread;
    view.stack.push_back({.incoming = incoming, .transaction = view_of(*transaction)});
    transaction = incoming ? transaction->to_parent : transaction->from_parent;
  }
  for (const Work& work : thread.todo) {
    view.todo.push_back(view_of(work));
    if (auto& transaction = view.todo.back().transaction) transaction->to_tid = view.tid;
  }
  return view;
}

NodeView Driver::view_of(const Node& node) const {
  NodeView view;
  view.name = name_of(node);
  view.has_strong = node.has_strong;
  view.has_weak = node.has_weak;
  view.local_strong = node.local_strong;
  view.local_weak = node.local_weak;
  view.internal_strong = node.internal_strong;
  for (const Ref& ref : node.refs) {
    if (ref.process != nullptr) {
      view.holder_pids.push_back(ref.process->credentials.pid);
    } else {
      view.holder_hosts.push_back(ref.peer->name);
    }
  }
  for (const Work& work : node.async_todo) view.async_todo.push_back(view_of(work));
  return view;
}

ProcessDebugView Driver::view_of(const Process& process) const {
  ProcessDebugView view;
  view.id = process.id;
  view.pid = process.credentials.pid;
  view.context = process.context.name;
  for (const auto& [tid, thread] : process.threads) {
    view.threads.push_back(view_of(*thread));
  }
  for (const auto& [ptr, node] : sorted_values(process.nodes)) {
    view.nodes.push_back(view_of(*node));
  }
  for (const Ref* ref : process.handles.all()) {
    view.refs.push_back({.debug_id = ref->debug_id,
                         .handle = ref->handle.value(),
                         .node = ref->node->debug_id,
                         .node_dead = ref->node->dead(),
                         .node_host = ref->node->imported() ? ref->node->home->name : "",
                         .strong = ref->strong,
                         .weak = ref->weak,
                         .death_requested = ref->death != nullptr});
  }
  for (const Buffer* buffer : process.allocator.allocated()) {
    view.buffers.push_back({.debug_id = buffer->debug_id,
                            .offset = buffer->offset,
                            .data_size = buffer->shape.data_size,
                            .offsets_size = buffer->shape.offsets_size,
                            .extra_size = buffer->shape.extra_size,
                            .delivered = buffer->transaction == nullptr});
  }
  for (const Work& work : process.todo) view.todo.push_back(view_of(work));
  view.has_delivered_death = !process.delivered_deaths.empty();
  view.has_delivered_freeze = !process.delivered_freezes.empty();

  view.commands = process.commands;
  view.requested_threads = process.requested_threads;
  view.requested_threads_started = process.requested_threads_started;
  view.max_threads = process.max_threads;
  view.waiting_threads = process.waiting_threads.size();
  view.free_async_bytes = process.allocator.free_async_space();
  const BufferAllocator::Pages pages = process.allocator.pages();
  view.pages_used = pages.used;
  view.pages_kept = pages.kept;
  view.pages_untouched = pages.untouched;
  view.pages_high = pages.high;
  return view;
}

DebugState Driver::debug_state() const {
  DebugState state;
  std::set<const Node*> dead;
  for (const auto& [id, process] : sorted_values(processes_)) {
    state.processes.push_back(view_of(*process));
    for (const Ref* ref : process->handles.all()) {
      if (ref->node->dead()) dead.insert(ref->node);
    }
  }
  std::reverse(state.processes.begin(), state.processes.end());
  for (const Node* node : dead) state.dead_nodes.push_back(view_of(*node));
  std::sort(state.dead_nodes.begin(), state.dead_nodes.end(),
            [](const NodeView& a, const NodeView& b) { return a.name.debug_id > b.name.debug_id; });
  return state;
}

ObjectCounts Driver::object_counts() const {
  const auto count = [](const auto& pool) {
    return ObjectCount{.active = pool.live(), .total = pool.created()};
  };
  std::size_t threads = 0;
  for (const auto& [id, process] : processes_) threads += process->threads.size();
  return {.processes = {.active = processes_.size(), .total = next_process_ - 1},
          .threads = {.active = threads, .total = threads_created_},
          .nodes = count(nodes_),
          .refs = count(refs_),
          .deaths = count(deaths_),
          .transactions = count(transactions_),
          .completions = count(completions_),
          .freezes = count(freezes_)};
}

}  // namespace netbinder
