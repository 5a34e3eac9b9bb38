// SPDX-License-Identifier: Apache-2.0
//
// Who handle 0 leads to. In a context of cluster scope one host, the arbiter, decides claims: a
// process becomes manager when the arbiter has recorded its host, and the claim ends with the
// process or its host's session with the arbiter. A manager whose host has lost that session stays
// manager of those who know it, and its host claims again when it is back: if another one has been
// granted the context meanwhile, the former manager is none any more, on its own host neither.
#include <algorithm>
#include <cerrno>

#include "core/check.h"
#include "core/driver.h"

namespace netbinder {

Context* Driver::find_context(std::string_view name) {
  for (auto& context : contexts_) {
    if (context->name == name) return context.get();
  }
  return nullptr;
}

std::optional<int> Driver::refuse_manager(const Process& process) const {
  const Context& context = process.context;
  if (context.manager != nullptr || context.remote_manager != nullptr ||
      context.claimant != nullptr || (context.claimed_by && *context.claimed_by != setup_.host)) {
    return -EBUSY;
  }
  if (context.manager_uid && *context.manager_uid != process.credentials.euid) return -EPERM;
  return std::nullopt;
}

std::optional<int> Driver::become_manager(Thread& thread, std::uint64_t ptr, std::uint64_t cookie,
                                          std::uint32_t flags) {
  Process& process = thread.process;
  Context& context = process.context;
  if (const auto refused = refuse_manager(process)) return refused;
  if (!context.cluster_wide || setup_.arbiter == setup_.host) {
    if (context.cluster_wide) context.claimed_by = setup_.host;
    return install_manager(process, ptr, cookie, flags);
  }
  Peer* arbiter = find_peer(setup_.arbiter);
  if (arbiter == nullptr) return -EHOSTUNREACH;
  context.claimant = &thread;
  thread.state = ClaimingContext{.ptr = ptr, .cookie = cookie, .flags = flags};
  note_ready(thread);
  effects_.send(arbiter->host, peer::ClaimContext{.context = context.name}, {});
  return std::nullopt;
}

int Driver::install_manager(Process& process, std::uint64_t ptr, std::uint64_t cookie,
                            std::uint32_t flags) {
  Context& context = process.context;
  context.manager_uid = process.credentials.euid;
  const auto found = process.nodes.find(ptr);
  Node& node =
      found != process.nodes.end() ? *found->second : create_node(process, ptr, cookie, flags);
  hold_manager(node);
  context.manager = &node;
  if (context.cluster_wide) {
    context.manager_claimed = true;
    announce_claimed_manager(context);
  }
  return 0;
}

void Driver::hold_manager(Node& node) {
  // The owner is taken to hold its references from the start; it is never asked.
  ++node.local_strong;
  ++node.local_weak;
  node.has_strong = true;
  node.has_weak = true;
}

void Driver::manager_gone(Context& context) {
  context.manager = nullptr;
  context.manager_announced_to.clear();
  if (!context.cluster_wide || !std::exchange(context.manager_claimed, false)) return;
  if (setup_.arbiter == setup_.host) {
    context.claimed_by.reset();
  } else if (find_peer(setup_.arbiter) != nullptr) {
    effects_.send(setup_.arbiter, peer::ContextReleased{.context = context.name}, {});
  }
}

void Driver::drop_remote_manager(Context& context) {
  Node* node = std::exchange(context.remote_manager, nullptr);
  if (node == nullptr) return;
  decrement_node(*node, RefKind::kStrong, false);
  decrement_node(*node, RefKind::kWeak, false);
}

void Driver::announce_manager(Peer& peer, Context& context) {
  if (context.manager != nullptr) {
    if (peer.host == setup_.arbiter && !context.manager_claimed) {
      effects_.send(peer.host, peer::ClaimContext{.context = context.name}, {});
    } else if (context.manager_claimed && context.manager_announced_to.insert(peer.host).second) {
      const WireNode node = export_node(peer, *context.manager, RefKind::kStrong, nullptr);
      effects_.send(peer.host, peer::ContextManager{.context = context.name, .node = node}, {});
    }
  }
  if (context.builtin != nullptr && !context.builtin_announced_to.contains(peer.host)) {
    context.builtin_announced_to.insert(peer.host);
    const WireNode node = export_node(peer, *context.builtin_for_peers, RefKind::kStrong, nullptr);
    effects_.send(peer.host, peer::ServiceManager{.context = context.name, .node = node}, {});
  }
}

void Driver::announce_claimed_manager(Context& context) {
  for (auto& [host, peer] : peers_) announce_manager(*peer, context);
}

void Driver::claim_decided(Context& context, bool granted) {
  Thread* thread = std::exchange(context.claimant, nullptr);
  if (thread == nullptr) {
    // The claimant is gone, or a standing claim was renewed.
    if (context.manager == nullptr) {
      if (granted) {
        effects_.send(setup_.arbiter, peer::ContextReleased{.context = context.name}, {});
      }
    } else if (!granted) {
      context.manager = nullptr;  // its node stays what it is
      context.manager_announced_to.clear();
    } else if (!std::exchange(context.manager_claimed, true)) {
      announce_claimed_manager(context);
    }
    return;
  }
  const ClaimingContext claim = std::get<ClaimingContext>(thread->state);
  int result = -EBUSY;
  if (granted) {
    const auto refused = refuse_manager(thread->process);
    result =
        refused ? *refused : install_manager(thread->process, claim.ptr, claim.cookie, claim.flags);
    if (result != 0) {
      effects_.send(setup_.arbiter, peer::ContextReleased{.context = context.name}, {});
    }
  }
  finish_ioctl(*thread, result);
}

void Driver::handle(Peer& peer, peer::ClaimContext& message) {
  Context* context = find_context(message.context);
  bool granted = false;
  if (context != nullptr && context->cluster_wide && setup_.arbiter == setup_.host) {
    if (!context->claimed_by) context->claimed_by = peer.host;
    granted = context->claimed_by == peer.host;
  }
  effects_.send(peer.host, peer::ContextClaimResult{.context = message.context, .granted = granted},
                {});
}

void Driver::handle(Peer& peer, peer::ContextClaimResult& message) {
  Context* context = find_context(message.context);
  if (context == nullptr || peer.host != setup_.arbiter) return;
  claim_decided(*context, message.granted);
}

void Driver::handle(Peer& peer, peer::ContextReleased& message) {
  Context* context = find_context(message.context);
  if (context != nullptr && context->claimed_by == peer.host) context->claimed_by.reset();
}

void Driver::handle(Peer& peer, peer::ContextManager& message) {
  const auto node = import_node(peer, message.node);
  if (!node) {
    effects_.give_up_peer(peer.host, node.error());
    return;
  }
  Context* context = find_context(message.context);
  if (context == nullptr || !context->cluster_wide || !(*node)->imported()) {
    drop_node_if_unused(**node);
    return;
  }
  ++(*node)->local_strong;
  ++(*node)->local_weak;
  drop_remote_manager(*context);
  context->remote_manager = *node;
}

void Driver::handle(Peer& peer, peer::ServiceManager& message) {
  if (!message.node.dead && message.node.node.host != peer.host) {
    effects_.give_up_peer(peer.host, "a service manager that is another host's");
    return;
  }
  const auto node = import_node(peer, message.node);
  if (!node) {
    effects_.give_up_peer(peer.host, node.error());
    return;
  }
  const Context* context = find_context(message.context);
  if (context == nullptr || !context->cluster_wide || !(*node)->imported()) {
    drop_node_if_unused(**node);
    return;
  }
  ++(*node)->local_strong;
  new_peer_managers_.push_back({.context = message.context, .host = peer.host, .node = *node});
}

void Driver::set_builtin_manager(ProcessId id, std::uint64_t ptr, std::uint64_t peer_ptr) {
  Process* process = find_process(id);
  NB_CHECK(process != nullptr && process->context.builtin == nullptr && ptr != peer_ptr);
  Context& context = process->context;
  context.builtin = &create_node(*process, ptr, 0, 0);
  context.builtin_for_peers = &create_node(*process, peer_ptr, 0, 0);
  hold_manager(*context.builtin);
  hold_manager(*context.builtin_for_peers);
  if (context.cluster_wide) {
    for (auto& [host, peer] : peers_) announce_manager(*peer, context);
  }
  finish_event();
}

std::vector<Driver::PeerServiceManager> Driver::take_new_peer_managers(ProcessId builtin) {
  std::vector<PeerServiceManager> taken;
  Process* process = find_process(builtin);
  NB_CHECK(process != nullptr);
  for (std::size_t i = 0; i < new_peer_managers_.size();) {
    const NewManager manager = new_peer_managers_[i];
    if (manager.context != process->context.name) {
      ++i;
      continue;
    }
    new_peer_managers_.erase(new_peer_managers_.begin() + static_cast<std::ptrdiff_t>(i));
    const auto handle = increment_ref_for_node(*process, *manager.node, RefKind::kStrong, nullptr);
    decrement_node(*manager.node, RefKind::kStrong, false);
    if (handle) taken.push_back({.host = manager.host, .handle = *handle});
  }
  finish_event();
  return taken;
}

}  // namespace netbinder
