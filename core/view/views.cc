// SPDX-License-Identifier: Apache-2.0
#include "core/view/views.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/cluster/cluster.h"

namespace netbinder {

DriverCounts Views::counts() const {
  DriverCounts counts{};
  counts.processes = model_.processes().size() + model_.ending().size();
  counts.nodes = model_.nodes.live();
  counts.refs = model_.refs.live();
  counts.transactions = model_.calls.live();
  counts.deaths = model_.deaths.live();
  if (cluster_ != nullptr) {
    counts.refs += cluster_->exports().live() + cluster_->introductions().live();
    counts.leases = cluster_->leases().count();
    counts.handoffs = cluster_->introductions().live() + cluster_->introductions().parked();
  }
  model_.each_process([&](const Process& each) {
    counts.threads += each.threads().size();
    counts.buffers += each.arena().allocator().allocated_count();
  });
  return counts;
}

std::vector<ProcessView> Views::processes() const {
  std::vector<ProcessView> views;
  for (const auto& [id, process] : model_.processes()) {
    const BufferAllocator& allocator = process->arena().allocator();
    views.push_back({.id = process->id(),
                     .pid = process->pid(),
                     .euid = process->credentials().euid,
                     .context = process->context().name(),
                     .threads = process->threads().size(),
                     .nodes = process->nodes().size(),
                     .refs = process->refs().size(),
                     .buffers = allocator.allocated_count(),
                     .arena_bytes = allocator.size(),
                     .free_async_bytes = allocator.free_async_space()});
  }
  std::sort(views.begin(), views.end(),
            [](const ProcessView& a, const ProcessView& b) { return a.id < b.id; });
  return views;
}

std::vector<ContextView> Views::contexts() const {
  std::vector<ContextView> views;
  for (const auto& context : model_.contexts()) {
    if (!context->listed()) continue;
    std::string manager = "none";
    if (const Node* local = context->manager()) {
      manager = "pid " + std::to_string(local->owner()->pid());
    } else if (const Node* remote = context->remote_manager()) {
      manager = "host " + remote->import()->home().name();
    } else if (context->builtin() != nullptr) {
      manager = "builtin";
    }
    views.push_back({.name = context->name(),
                     .cluster_wide = context->cluster_wide(),
                     .manager = std::move(manager)});
  }
  return views;
}

std::int32_t Views::pid_of(ProcessId id) const {
  const Process* process = model_.find_process(id);
  return process == nullptr ? 0 : process->pid();
}

std::string Views::context_of(ProcessId id) const {
  const Process* process = model_.find_process(id);
  return process == nullptr ? std::string() : process->context().name();
}

std::optional<HostId> Views::home_of(ProcessId id, Handle handle) const {
  const Process* process = model_.find_process(id);
  const Ref* ref = process == nullptr ? nullptr : process->refs().find(handle);
  if (ref == nullptr || ref->node().dead()) return std::nullopt;
  return ref->node().identity().host;
}

NodeHolders Views::other_holders(ProcessId id, Handle handle) const {
  NodeHolders holders;
  const Process* process = model_.find_process(id);
  const Ref* own = process == nullptr ? nullptr : process->refs().find(handle);
  if (own == nullptr || own->node().dead()) return holders;
  const Node& node = own->node();
  for (const Ref& ref : node.refs()) {
    if (ref.strong() == 0 || &ref == own) continue;
    if (const Peer* peer = ref.peer()) {
      holders.peers.push_back(peer->host());
    } else if (ref.process() == nullptr || ref.process() != node.owner()) {
      holders.here = true;
    }
  }
  if (node.owner() != nullptr) {
    // Calls of the node count as holders. The owner's own binder in its own buffers, and
    // announcements that it has not acknowledged, are on the node's counts too, but are no holders.
    holders.here = holders.here || node.calls() > 0;
  } else {
    holders.here = holders.here || node.local_strong() > 0;  // on its way from or to this host
  }
  return holders;
}

std::vector<PeerLedger> Views::ledgers() const {
  std::vector<PeerLedger> ledgers;
  if (cluster_ == nullptr) return ledgers;
  const auto by_node = [](const PeerLedger::Entry& a, const PeerLedger::Entry& b) {
    return a.node < b.node;
  };
  for (const auto& [host, peer] : cluster_->peers().all()) {
    PeerLedger& ledger = ledgers.emplace_back();
    ledger.host = host;
    for (const auto& [number, ref] : peer->refs()) {
      ledger.counted.push_back({.node = number, .strong = ref->strong(), .weak = ref->weak()});
    }
    for (const auto& [number, node] : peer->imported()) {
      const ImportedNode& import = *node->import();
      ledger.received.push_back({.node = number, .strong = import.strong(), .weak = import.weak()});
    }
    std::sort(ledger.counted.begin(), ledger.counted.end(), by_node);
    std::sort(ledger.received.begin(), ledger.received.end(), by_node);
    for (const PendingClaim& claim : peer->claims()) ledger.claimed.push_back(claim.node);
  }
  return ledgers;
}

std::string Views::host_name(HostId host) const {
  if (host == HostId{}) return {};
  if (host == model_.setup.host) return model_.setup.host_name;
  const Peer* peer = cluster_ == nullptr ? nullptr : cluster_->peers().find(host);
  return peer != nullptr ? peer->name() : "host " + std::to_string(host.value());
}

void Views::check_totals() const {
  std::size_t refs = 0;
  std::size_t local_nodes = 0;
  std::size_t leases = 0;
  model_.each_process([&](const Process& each) {
    refs += each.refs().size();
    local_nodes += each.nodes().size();
    leases += each.leases().size();
  });
  NB_CHECK(refs == model_.refs.live());
  NB_CHECK(local_nodes <= model_.nodes.live());
  if (cluster_ == nullptr) return;
  std::size_t peer_refs = 0;
  for (const auto& [host, peer] : cluster_->peers().all()) peer_refs += peer->refs().size();
  NB_CHECK(peer_refs == cluster_->exports().live());
  NB_CHECK(leases == cluster_->leases().count());
}

}  // namespace netbinder
