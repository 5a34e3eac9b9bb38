// SPDX-License-Identifier: Apache-2.0
//
// Peers and the reference ledgers. Our side of a ledger: Peer::refs, what we counted for the peer;
// its side: Node::received_strong and received_weak of an imported node. Every strong reference
// sent counts once strong and once weak, every weak one once weak.
#include <algorithm>
#include <cerrno>

#include "core/check.h"
#include "core/driver.h"

namespace netbinder {

Peer* Driver::find_peer(HostId host) {
  const auto found = peers_.find(host);
  return found == peers_.end() ? nullptr : found->second.get();
}

void Driver::peer_connected(HostId host, Incarnation incarnation, std::string name) {
  NB_CHECK(find_peer(host) == nullptr && host != setup_.host);
  auto made = std::make_unique<Peer>();
  made->host = host;
  made->incarnation = incarnation;
  made->name = std::move(name);
  Peer& peer = *made;
  peers_.emplace(host, std::move(made));
  for (auto& context : contexts_) {
    if (context->cluster_wide) announce_manager(peer, *context);
  }
  finish_event();
}

void Driver::peer_lost(HostId host) {
  Peer* lost = find_peer(host);
  if (lost == nullptr) return;
  Peer& peer = *lost;
  if (peer.arriving) release_arriving(*std::exchange(peer.arriving, std::nullopt));
  for (auto& [id, lease] : std::exchange(peer.leases, {})) release_lease(*lease);

  // Calls from there go on with nobody to answer to; calls to there have failed.
  for (auto& [call, transaction] : peer.incoming) transaction->remote_from = nullptr;
  peer.incoming.clear();
  std::vector<std::pair<CallId, OutgoingCall>> calls;
  for (auto& [id, call] : outgoing_) {
    if (call.peer == &peer) calls.emplace_back(id, call);
  }
  std::sort(calls.begin(), calls.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  for (auto& [id, call] : calls) {
    if (outgoing_.find(id) == outgoing_.end()) continue;  // ended with one before it
    end_outgoing(id, {BR_DEAD_REPLY, 0}, call.waiting == nullptr);
  }

  std::vector<HandoffId> handoffs;
  for (auto& [id, handoff] : handoffs_) {
    if (handoff.recipient == host) handoffs.push_back(id);
  }
  for (const HandoffId id : handoffs) finish_handoff(id);
  for (const PendingClaim& claim : peer.claims) {
    if (find_peer(claim.introducer) != nullptr) {
      effects_.send(claim.introducer, peer::HandoffDone{.handoff = claim.handoff}, {});
    }
  }
  peer.claims.clear();

  std::vector<Ref*> refs;
  for (auto& [number, ref] : peer.refs) refs.push_back(ref);
  std::sort(refs.begin(), refs.end(),
            [](const Ref* a, const Ref* b) { return a->node->number < b->node->number; });
  for (Ref* ref : refs) destroy_ref(*ref);

  std::vector<Node*> imports;
  for (auto& [number, node] : peer.imports) imports.push_back(node);
  std::sort(imports.begin(), imports.end(),
            [](const Node* a, const Node* b) { return a->number < b->number; });
  for (Node* node : imports) imported_node_died(*node);

  end_freeze_state_waits(host, std::nullopt);
  for (auto& context : contexts_) {
    context->builtin_announced_to.erase(host);
    context->manager_announced_to.erase(host);
    if (host == setup_.arbiter) context->manager_claimed = false;
    if (context->claimed_by == host) context->claimed_by.reset();
    if (host == setup_.arbiter && context->claimant != nullptr) {
      finish_ioctl(*std::exchange(context->claimant, nullptr), -EHOSTUNREACH);
    }
  }
  peers_.erase(host);
  finish_event();
}

void Driver::message_arrived(HostId host, PeerMessage message) {
  Peer* peer = find_peer(host);
  if (peer == nullptr) return;
  std::visit([&](auto& content) { handle(*peer, content); }, message);
  finish_event();
}

WireNode Driver::export_node(Peer& peer, Node& node, RefKind kind, Thread* holder_thread) {
  WireNode wire;
  wire.strong = kind == RefKind::kStrong;
  if (node.dead()) {
    wire.node = node.identity;
    wire.dead = true;
    return wire;
  }
  if (node.home == &peer) {  // coming home
    wire.node = node.identity;
    return wire;
  }
  if (node.local()) {
    wire.node = {.host = setup_.host, .incarnation = setup_.incarnation, .number = node.number};
    Ref& ref = get_ref(peer, node);
    NB_CHECK(increment_ref(ref, RefKind::kWeak, holder_thread));
    if (wire.strong) NB_CHECK(increment_ref(ref, RefKind::kStrong, holder_thread));
    return wire;
  }
  // Another host's: it stays alive through us until the peer is known there.
  wire.node = node.identity;
  wire.handoff = HandoffId{next_handoff_++};
  (void)increment_node(node, RefKind::kWeak, false, nullptr);
  if (wire.strong) (void)increment_node(node, RefKind::kStrong, false, nullptr);
  handoffs_.emplace(wire.handoff, Handoff{.node = &node, .kind = kind, .recipient = peer.host});
  return wire;
}

void Driver::unexport_node(Peer& peer, const WireNode& wire) {
  if (wire.dead) return;
  if (wire.handoff != HandoffId{}) {
    finish_handoff(wire.handoff);
  } else if (wire.node.host == setup_.host) {
    const auto found = peer.refs.find(wire.node.number);
    NB_CHECK(found != peer.refs.end());
    Ref& ref = *found->second;
    if (wire.strong) {
      --ref.strong;
      if (ref.strong == 0) decrement_node(*ref.node, RefKind::kStrong, true);
    }
    decrement_ref(ref, RefKind::kWeak);
  }
}

void Driver::finish_handoff(HandoffId id) {
  const auto found = handoffs_.find(id);
  if (found == handoffs_.end()) return;
  const Handoff handoff = found->second;
  handoffs_.erase(found);
  // The weak one keeps the node while the strong one goes.
  if (handoff.kind == RefKind::kStrong) decrement_node(*handoff.node, RefKind::kStrong, false);
  decrement_node(*handoff.node, RefKind::kWeak, false);
}

Node& Driver::foreign_node(const NodeIdentity& identity) {
  Node* node = nodes_.create(identity.number);
  node->identity = identity;
  node->debug_id = next_debug_id_++;
  return *node;
}

Node& Driver::dead_node(const NodeIdentity& identity) {
  const auto [found, made] = dead_nodes_.emplace(identity, nullptr);
  if (made) found->second = &foreign_node(identity);
  return *found->second;
}

Node& Driver::imported_node(Peer& home, NodeNumber number) {
  if (const auto found = home.imports.find(number); found != home.imports.end()) {
    return *found->second;
  }
  Node& node = foreign_node({.host = home.host, .incarnation = home.incarnation, .number = number});
  node.home = &home;
  home.imports.emplace(number, &node);
  return node;
}

std::expected<Node*, std::string> Driver::import_node(Peer& peer, const WireNode& wire) {
  const auto dead_reference = [&] {
    Node& node = dead_node(wire.node);
    if (wire.strong) node.received_strong = 1;  // it was given, though there is nothing behind it
    return &node;
  };
  if (wire.dead) {
    // One node, one handle: if we hold it and have yet to hear of its death, it is still that one.
    Peer* home = find_peer(wire.node.host);
    if (home != nullptr && home->incarnation == wire.node.incarnation) {
      const auto found = home->imports.find(wire.node.number);
      if (found != home->imports.end() && (!wire.strong || found->second->internal_strong > 0)) {
        return found->second;
      }
    }
    return dead_reference();
  }
  if (wire.node.host == setup_.host) {
    // A peer can name only what it holds. That it thinks it does and is wrong can happen (the node
    // died, or its claim was refused, and it has not read so yet): then the reference is dead.
    const auto ref = peer.refs.find(wire.node.number);
    const bool holds = wire.node.incarnation == setup_.incarnation && ref != peer.refs.end() &&
                       (!wire.strong || ref->second->strong > 0);
    return holds ? ref->second->node : dead_reference();
  }
  if (wire.node.host == peer.host) {
    if (wire.node.incarnation != peer.incarnation) {
      return std::unexpected("a node of another incarnation of the peer");
    }
    Node& node = imported_node(peer, wire.node.number);
    ++node.received_weak;
    if (wire.strong) ++node.received_strong;
    return &node;
  }
  if (wire.handoff == HandoffId{}) {
    return std::unexpected("a node of a third host without a handoff");
  }
  Peer* home = find_peer(wire.node.host);
  if (home == nullptr || home->incarnation != wire.node.incarnation) {
    effects_.send(peer.host, peer::HandoffDone{.handoff = wire.handoff}, {});
    return dead_reference();
  }
  Node& node = imported_node(*home, wire.node.number);
  ++node.pending_claims;
  if (wire.strong) ++node.pending_strong_claims;
  home->claims.push_back({.node = wire.node.number,
                          .strong = wire.strong,
                          .introducer = peer.host,
                          .handoff = wire.handoff});
  effects_.send(home->host,
                peer::ClaimRef{.node = wire.node.number,
                               .strong = wire.strong,
                               .introducer = peer.host,
                               .handoff = wire.handoff},
                {});
  return &node;
}

void Driver::give_back(Node& node) {
  // Called when nothing here needs a strong reference any more, or nothing needs the node at all.
  const bool needs_strong = node.internal_strong > 0 || node.local_strong > 0;
  const bool needs_weak = needs_strong || !node.refs.empty() || node.local_weak > 0;
  peer::ReleaseRefs release{.node = node.number, .strong = 0, .weak = 0};
  if (!needs_strong) release.strong = std::exchange(node.received_strong, 0);
  if (!needs_weak) release.weak = std::exchange(node.received_weak, 0);
  if (release.strong > 0 || release.weak > 0) effects_.send(node.home->host, release, {});
}

void Driver::imported_node_died(Node& node) {
  NB_CHECK(node.imported());
  for (PendingClaim& claim : node.home->claims) {
    if (claim.node == node.number) claim.wanted = false;  // a new node may get its number here
  }
  node.home->imports.erase(node.number);
  node.home = nullptr;
  dead_nodes_.emplace(node.identity, &node);
  node.received_strong = 0;
  node.received_weak = 0;
  node.pending_claims = 0;
  node.pending_strong_claims = 0;
  ++node.local_weak;
  std::erase_if(new_peer_managers_, [&](const NewManager& manager) {
    if (manager.node != &node) return false;
    --node.local_strong;
    return true;
  });
  for (auto& context : contexts_) {
    if (context->remote_manager == &node) drop_remote_manager(*context);
  }
  node_died(node);
  decrement_node(node, RefKind::kWeak, false);
}

void Driver::handle(Peer& peer, peer::ReleaseRefs& message) {
  const auto found = peer.refs.find(message.node);
  if (found == peer.refs.end()) return;  // it died; the peer will read of it
  Ref& ref = *found->second;
  if (message.strong > ref.strong || message.weak > ref.weak) {
    effects_.give_up_peer(peer.host, "references given back that were not given");
    return;
  }
  if (message.strong > 0) {
    ref.strong -= message.strong;
    if (ref.strong == 0) decrement_node(*ref.node, RefKind::kStrong, true);
  }
  ref.weak -= message.weak;
  if (ref.strong == 0 && ref.weak == 0) destroy_ref(ref);
}

void Driver::handle(Peer& peer, peer::NodeDied& message) {
  const auto found = peer.imports.find(message.node);
  if (found == peer.imports.end()) return;  // given back meanwhile
  // Claims of it still on their way will be answered with "dead".
  imported_node_died(*found->second);
}

void Driver::handle(Peer& peer, peer::ClaimRef& message) {
  peer::ClaimResult result{.node = message.node,
                           .strong = message.strong,
                           .introducer = message.introducer,
                           .handoff = message.handoff,
                           .alive = false};
  const auto found = exported_.find(message.node);
  if (found != exported_.end() && found->second->local()) {
    Node& node = *found->second;
    Ref& ref = get_ref(peer, node);
    result.alive = increment_ref(ref, RefKind::kWeak, nullptr);
    if (result.alive && message.strong && !increment_ref(ref, RefKind::kStrong, nullptr)) {
      result.alive = false;
      decrement_ref(ref, RefKind::kWeak);
    } else if (!result.alive && ref.strong == 0 && ref.weak == 0) {
      destroy_ref(ref);
    }
  }
  effects_.send(peer.host, result, {});
}

void Driver::handle(Peer& peer, peer::ClaimResult& message) {
  const auto claim =
      std::find_if(peer.claims.begin(), peer.claims.end(), [&](const PendingClaim& pending) {
        return pending.node == message.node && pending.strong == message.strong &&
               pending.introducer == message.introducer && pending.handoff == message.handoff;
      });
  if (claim == peer.claims.end()) {
    effects_.give_up_peer(peer.host, "an answer to a claim that was not made");
    return;
  }
  const bool wanted = claim->wanted;
  peer.claims.erase(claim);
  if (find_peer(message.introducer) != nullptr) {
    effects_.send(message.introducer, peer::HandoffDone{.handoff = message.handoff}, {});
  }
  if (!wanted) {
    if (message.alive) {
      const std::uint64_t strong = message.strong ? 1 : 0;
      effects_.send(peer.host, peer::ReleaseRefs{.node = message.node, .strong = strong, .weak = 1},
                    {});
    }
    return;
  }
  const auto found = peer.imports.find(message.node);
  NB_CHECK(found != peer.imports.end() && found->second->pending_claims > 0);
  Node& node = *found->second;
  --node.pending_claims;
  if (message.strong) --node.pending_strong_claims;
  if (!message.alive) {
    imported_node_died(node);
    return;
  }
  ++node.received_weak;
  if (message.strong) ++node.received_strong;
  if (node.internal_strong == 0 && node.local_strong == 0) drop_node_if_unused(node);
}

void Driver::handle(Peer& peer, peer::FileMessage& /*message*/) {
  effects_.give_up_peer(peer.host, "a message about a descriptor that the agent did not take");
}

void Driver::handle(Peer& peer, peer::HandoffDone& message) {
  const auto found = handoffs_.find(message.handoff);
  if (found != handoffs_.end() && found->second.recipient == peer.host) {
    finish_handoff(message.handoff);
  }
}

}  // namespace netbinder
