// SPDX-License-Identifier: Apache-2.0
#include "core/cluster/context_claims.h"

#include <cerrno>
#include <utility>

#include "core/local/ioctls.h"
#include "core/local/managers.h"

namespace netbinder {

// ---- this host's programs ----

bool ContextClaims::stands(const Context& context) const {
  const auto found = claims_.find(&context);
  if (found == claims_.end()) return false;
  const Claim& claim = found->second;
  return claim.claimant != nullptr || (claim.holder && *claim.holder != model_.setup.host);
}

Outcome ContextClaims::claim(Thread& thread, Context& context, const ClaimingContext& claim) {
  if (arbitrates()) {
    claims_[&context].holder = model_.setup.host;
    return Step::kDone;
  }
  const Peer* arbiter = peers_.find(model_.setup.arbiter);
  if (arbiter == nullptr) return std::unexpected(-EHOSTUNREACH);
  claims_[&context].claimant = &thread;
  thread.process().loopers().enter(thread, claim);
  model_.effects.send(arbiter->host(), peer::ClaimContext{.context = context.name()}, {});
  return Step::kSuspended;
}

void ContextClaims::manager_installed(Context& context) {
  claims_[&context].granted = true;
  announce_to_all(context);
}

void ContextClaims::manager_gone(Context& context) {
  Claim& claim = claims_[&context];
  claim.manager_told_to.clear();
  if (!std::exchange(claim.granted, false)) return;
  if (arbitrates()) {
    claim.holder.reset();
  } else if (peers_.find(model_.setup.arbiter) != nullptr) {
    release_at_arbiter(context);
  }
}

void ContextClaims::builtin_installed(Context& context) { announce_to_all(context); }

void ContextClaims::release_at_arbiter(const Context& context) {
  model_.effects.send(model_.setup.arbiter, peer::ContextReleased{.context = context.name()}, {});
}

// ---- announcing ----

void ContextClaims::announce(Peer& peer, Context& context) {
  Claim& claim = claims_[&context];
  if (context.manager() != nullptr) {
    if (peer.host() == model_.setup.arbiter && !claim.granted) {
      model_.effects.send(peer.host(), peer::ClaimContext{.context = context.name()}, {});
    } else if (claim.granted && claim.manager_told_to.insert(peer.host()).second) {
      const WireNode node = exports_.give(peer, *context.manager(), RefKind::kStrong, nullptr);
      model_.effects.send(peer.host(),
                          peer::ContextManager{.context = context.name(), .node = node}, {});
    }
  }
  if (context.builtin() != nullptr && claim.builtin_told_to.insert(peer.host()).second) {
    const WireNode node =
        exports_.give(peer, *context.builtin_for_peers(), RefKind::kStrong, nullptr);
    model_.effects.send(peer.host(), peer::ServiceManager{.context = context.name(), .node = node},
                        {});
  }
}

void ContextClaims::announce_to_all(Context& context) {
  for (const auto& [host, peer] : peers_.all()) announce(*peer, context);
}

void ContextClaims::peer_connected(Peer& peer) {
  for (const auto& context : model_.contexts()) {
    if (context->cluster_wide()) announce(peer, *context);
  }
}

// ---- claims ----

void ContextClaims::decided(Context& context, Decision decision) {
  const bool granted = decision == Decision::kGranted;
  Claim& claim = claims_[&context];
  Thread* thread = std::exchange(claim.claimant, nullptr);
  if (thread == nullptr) {
    // The claimant is gone, or a standing claim was renewed.
    if (context.manager() == nullptr) {
      if (granted) release_at_arbiter(context);
    } else if (!granted) {
      context.end_manager();
      claim.manager_told_to.clear();
    } else if (!std::exchange(claim.granted, true)) {
      announce_to_all(context);
    }
    return;
  }
  const ClaimingContext claiming = *thread->in<ClaimingContext>();
  int error = -EBUSY;
  if (granted) {
    error = Managers::refuse(thread->process());
    if (error == 0) {
      managers_.install(thread->process(), claiming);
    } else {
      release_at_arbiter(context);
    }
  }
  ioctls_.finish(*thread, error);
}

void ContextClaims::handle(Peer& peer, const peer::ClaimContext& message) {
  const Context* context = model_.find_context(message.context);
  bool granted = false;
  if (context != nullptr && context->cluster_wide() && arbitrates()) {
    std::optional<HostId>& holder = claims_[context].holder;
    if (!holder) holder = peer.host();
    granted = holder == peer.host();
  }
  model_.effects.send(peer.host(),
                      peer::ContextClaimResult{.context = message.context, .granted = granted}, {});
}

void ContextClaims::handle(Peer& peer, const peer::ContextClaimResult& message) {
  Context* context = model_.find_context(message.context);
  if (context == nullptr || peer.host() != model_.setup.arbiter) return;
  decided(*context, message.granted ? Decision::kGranted : Decision::kDenied);
}

void ContextClaims::handle(Peer& peer, const peer::ContextReleased& message) {
  const Context* context = model_.find_context(message.context);
  if (context == nullptr) return;
  std::optional<HostId>& holder = claims_[context].holder;
  if (holder == peer.host()) holder.reset();
}

// ---- managers of other hosts ----

Node* ContextClaims::announced_node(Peer& peer, const Context* context, const WireNode& wire) {
  const auto node = imports_.receive(peer, wire);
  if (!node) {
    model_.effects.give_up_peer(peer.host(), node.error());
    return nullptr;
  }
  if (context != nullptr && context->cluster_wide() && (*node)->imported()) return *node;
  model_.nodes.judge(**node);
  return nullptr;
}

void ContextClaims::handle(Peer& peer, const peer::ContextManager& message) {
  Context* context = model_.find_context(message.context);
  Node* node = announced_node(peer, context, message.node);
  if (node == nullptr) return;
  context->set_remote_manager(NodeHold::of_kind(model_.nodes, *node, RefKind::kStrong));
}

void ContextClaims::handle(Peer& peer, const peer::ServiceManager& message) {
  if (!message.node.dead && message.node.node.host != peer.host()) {
    model_.effects.give_up_peer(peer.host(), "a service manager that is another host's");
    return;
  }
  const Context* context = model_.find_context(message.context);
  Node* node = announced_node(peer, context, message.node);
  if (node == nullptr) return;
  new_managers_.push_back(
      {.context = context, .host = peer.host(), .node = NodeHold::strong(model_.nodes, *node)});
}

std::vector<PeerServiceManager> ContextClaims::take_new_peer_managers(Process& builtin) {
  std::vector<PeerServiceManager> taken;
  for (std::size_t i = 0; i < new_managers_.size();) {
    if (new_managers_[i].context != &builtin.context()) {
      ++i;
      continue;
    }
    const NewManager manager = std::move(new_managers_[i]);
    new_managers_.erase(new_managers_.begin() + static_cast<std::ptrdiff_t>(i));
    const auto handle = builtin.refs().increment(*manager.node.node(), RefKind::kStrong, nullptr);
    if (handle) taken.push_back({.host = manager.host, .handle = *handle});
  }
  return taken;
}

void ContextClaims::node_died(const Node& node) {
  std::erase_if(new_managers_,
                [&](const NewManager& manager) { return manager.node.node() == &node; });
  for (const auto& context : model_.contexts()) {
    if (context->remote_manager() == &node) context->end_remote_manager();
  }
}

void ContextClaims::peer_lost(const Peer& peer) {
  const bool arbiter = peer.host() == model_.setup.arbiter;
  for (const auto& context : model_.contexts()) {
    Claim& claim = claims_[context.get()];
    claim.builtin_told_to.erase(peer.host());
    claim.manager_told_to.erase(peer.host());
    if (claim.holder == peer.host()) claim.holder.reset();
    if (!arbiter) continue;
    claim.granted = false;
    if (Thread* claimant = std::exchange(claim.claimant, nullptr)) {
      ioctls_.finish(*claimant, -EHOSTUNREACH);
    }
  }
}

}  // namespace netbinder
