// SPDX-License-Identifier: Apache-2.0
#include "core/view/debug_view.h"

#include <algorithm>
#include <set>

#include "core/cluster/cluster.h"
#include "core/view/views.h"

namespace netbinder {

namespace {

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
  view.elapsed_ms = (model_.now_us - head.start_us) / 1000;
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

WorkListView DebugViews::view_of(const TodoList& list) const {
  WorkListView view;
  for (const Work& work : list) {
    if (view.first.size() == WorkListView::kMost) {
      view.more = true;
      break;
    }
    view.first.push_back(view_of(work));
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
  view.todo = view_of(thread.todo());
  for (WorkView& work : view.todo.first) {
    if (work.transaction) work.transaction->to_tid = view.tid;
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
  view.async_todo = view_of(node.oneways().waiting());
  return view;
}

RefView DebugViews::view_of(const ProcessRef& ref) {
  return {.debug_id = ref.debug_id(),
          .handle = ref.handle().value(),
          .node = ref.node().debug_id(),
          .node_dead = ref.node().dead(),
          .node_host = home_name(ref.node()),
          .strong = ref.strong(),
          .weak = ref.weak(),
          .death_requested = ref.death() != nullptr};
}

BufferView DebugViews::view_of(const Buffer& buffer) {
  return {.debug_id = buffer.debug_id(),
          .offset = buffer.offset(),
          .data_size = buffer.shape().data_size,
          .offsets_size = buffer.shape().offsets_size,
          .extra_size = buffer.shape().extra_size,
          .delivered = buffer.transaction() == nullptr};
}

ProcessDebugView DebugViews::view_of(const Process& process) const {
  ProcessDebugView view;
  view.id = process.id();
  view.pid = process.pid();
  view.euid = process.credentials().euid;
  view.context = process.context().name();
  for (const auto& [tid, thread] : process.threads()) {
    view.threads.push_back(view_of(*thread));
  }
  view.todo = view_of(process.loopers().todo());
  view.has_delivered_death = !process.delivered_deaths().empty();
  view.has_delivered_freeze = !process.delivered_freezes().empty();

  view.commands = process.commands();
  view.requested_threads = process.loopers().requested();
  view.requested_threads_started = process.loopers().started();
  view.max_threads = process.loopers().max_threads();
  view.waiting_threads = process.loopers().waiting();
  view.free_async_bytes = process.arena().allocator().free_async_space();
  view.arena_bytes = process.arena().allocator().size();
  view.arena_free_bytes = process.arena().allocator().free_space();
  view.outstanding = process.outstanding();
  const BufferAllocator::Pages pages = process.arena().allocator().pages();
  view.pages_used = pages.used;
  view.pages_kept = pages.kept;
  view.pages_untouched = pages.untouched;
  view.pages_high = pages.high;
  return view;
}

void DebugState::sort_dead_nodes() {
  std::sort(dead_nodes.begin(), dead_nodes.end(),
            [](const NodeView& a, const NodeView& b) { return a.name.debug_id > b.name.debug_id; });
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
