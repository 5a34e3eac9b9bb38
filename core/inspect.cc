// SPDX-License-Identifier: Apache-2.0
//
// Views of the driver's state, and the check that it is consistent.
#include <algorithm>

#include "core/check.h"
#include "core/driver.h"

namespace netbinder {

Driver::Counts Driver::counts() const {
  Counts counts{};
  counts.processes = processes_.size();
  counts.nodes = nodes_.live();
  counts.refs = refs_.live();
  counts.transactions = transactions_.live();
  counts.deaths = deaths_.live();
  counts.leases = leases_.live();
  for (const auto& [id, process] : processes_) {
    counts.threads += process->threads.size();
    counts.buffers += process->allocator.allocated().size();
  }
  return counts;
}

std::vector<Driver::ProcessView> Driver::processes() const {
  std::vector<ProcessView> views;
  for (const auto& [id, process] : processes_) {
    views.push_back({.id = process->id,
                     .pid = process->credentials.pid,
                     .context = process->context.name,
                     .threads = process->threads.size(),
                     .nodes = process->nodes.size(),
                     .refs = process->handles.size(),
                     .buffers = process->allocator.allocated().size(),
                     .arena_bytes = process->allocator.size(),
                     .free_async_bytes = process->allocator.free_async_space()});
  }
  std::sort(views.begin(), views.end(),
            [](const ProcessView& a, const ProcessView& b) { return a.id < b.id; });
  return views;
}

std::vector<Driver::ContextView> Driver::contexts() const {
  std::vector<ContextView> views;
  for (const auto& context : contexts_) {
    std::string manager = "none";
    if (context->manager != nullptr) {
      manager = "pid " + std::to_string(context->manager->owner->credentials.pid);
    } else if (context->remote_manager != nullptr) {
      manager = "host " + context->remote_manager->home->name;
    } else if (context->builtin != nullptr) {
      manager = "builtin";
    }
    views.push_back({.name = context->name,
                     .cluster_wide = context->cluster_wide,
                     .manager = std::move(manager)});
  }
  return views;
}

std::int32_t Driver::pid_of(ProcessId id) const {
  const Process* process = find_process(id);
  return process == nullptr ? 0 : process->credentials.pid;
}

std::string Driver::context_of(ProcessId id) const {
  const Process* process = find_process(id);
  return process == nullptr ? std::string() : process->context.name;
}

std::optional<HostId> Driver::home_of(ProcessId id, Handle handle) const {
  const Process* process = find_process(id);
  const Ref* ref = process == nullptr ? nullptr : process->handles.find(handle);
  if (ref == nullptr || ref->node->dead()) return std::nullopt;
  return ref->node->local() ? setup_.host : ref->node->home->host;
}

Driver::Holders Driver::other_holders(ProcessId id, Handle handle) const {
  Holders holders;
  const Process* process = find_process(id);
  const Ref* own = process == nullptr ? nullptr : process->handles.find(handle);
  if (own == nullptr || own->node->dead()) return holders;
  const Node& node = *own->node;
  for (const Ref& ref : node.refs) {
    if (ref.strong == 0 || ref.process == process) continue;
    if (ref.peer != nullptr) {
      holders.peers.push_back(ref.peer->host);
    } else if (ref.process != node.owner) {
      holders.here = true;
    }
  }
  if (node.local()) {
    // Calls of it. The owner's own binder in its own buffers, and what it has yet to acknowledge,
    // are counted on the node as well and are nobody's.
    const auto buffers = node.owner->allocator.allocated();
    holders.here =
        holders.here || std::any_of(buffers.begin(), buffers.end(), [&node](const Buffer* buffer) {
          return buffer->target_node == &node;
        });
  } else {
    holders.here = holders.here || node.local_strong > 0;  // on its way from or to this host
  }
  return holders;
}

std::vector<PeerLedger> Driver::ledgers() const {
  std::vector<PeerLedger> ledgers;
  const auto by_node = [](const PeerLedger::Entry& a, const PeerLedger::Entry& b) {
    return a.node < b.node;
  };
  for (const auto& [host, peer] : peers_) {
    PeerLedger& ledger = ledgers.emplace_back();
    ledger.host = host;
    for (const auto& [number, ref] : peer->refs) {
      ledger.counted.push_back({.node = number, .strong = ref->strong, .weak = ref->weak});
    }
    for (const auto& [number, node] : peer->imports) {
      ledger.received.push_back(
          {.node = number, .strong = node->received_strong, .weak = node->received_weak});
    }
    std::sort(ledger.counted.begin(), ledger.counted.end(), by_node);
    std::sort(ledger.received.begin(), ledger.received.end(), by_node);
    ledger.claims = peer->claims;
    for (const auto& [id, handoff] : handoffs_) {
      if (handoff.recipient == host) ledger.handoffs.push_back(id);
    }
    std::sort(ledger.handoffs.begin(), ledger.handoffs.end());
  }
  return ledgers;
}

void Driver::check_invariants() const {
  NB_CHECK(runnable_.empty() && touched_.empty());
  std::size_t refs = 0;
  std::size_t local_nodes = 0;
  for (const auto& [id, process] : processes_) {
    process->allocator.check_invariants();
    NB_CHECK(process->handles.size() == process->refs_by_node.size());
    for (const Ref* ref : process->handles.all()) {
      NB_CHECK(ref->process == process.get() && ref->peer == nullptr);
      NB_CHECK(ref->strong > 0 || ref->weak > 0);
      NB_CHECK(process->refs_by_node.at(ref->node) == ref);
      NB_CHECK(ref->node->owner != process.get() || ref->handle == Handle{0});  // a manager's own
      ++refs;
    }
    for (const auto& [ptr, node] : process->nodes) {
      NB_CHECK(node->owner == process.get() && node->ptr == ptr && node->home == nullptr);
      std::uint64_t strong = 0;
      for (const Ref& ref : node->refs) strong += ref.strong > 0 ? 1 : 0;
      NB_CHECK(strong == node->internal_strong);
      ++local_nodes;
    }
    std::uint32_t ready = 0;
    for (const auto& [tid, thread] : process->threads) {
      NB_CHECK(thread->waiting_for_process_work() ==
               (std::holds_alternative<Reading>(thread->state) && thread->io.for_process_work));
      NB_CHECK(!thread->runnable);
      if (thread->may_post) {
        NB_CHECK(thread->idle() && thread->is_looper() && !thread->need_return);
        NB_CHECK(available_for_process_work(*thread) && process->todo.empty());
      }
      ready += thread->counted_ready ? 1 : 0;
    }
    NB_CHECK(ready == process->ready_threads);
    NB_CHECK(process->readable == would_find_work(*process));
  }
  for (const auto& [host, peer] : peers_) {
    refs += peer->refs.size();
    for (const auto& [number, ref] : peer->refs) {
      NB_CHECK(ref->peer == peer.get() && ref->node->number == number && ref->node->local());
    }
    for (const auto& [number, node] : peer->imports) {
      NB_CHECK(node->home == peer.get() && node->number == number && node->owner == nullptr);
    }
  }
  check_leases();
  NB_CHECK(refs == refs_.live());
  NB_CHECK(local_nodes <= nodes_.live());
}

}  // namespace netbinder
