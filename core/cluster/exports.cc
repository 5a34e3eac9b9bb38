// SPDX-License-Identifier: Apache-2.0
#include "core/cluster/exports.h"

#include <algorithm>

#include "core/base/check.h"

namespace netbinder {

// ---- refs of peers ----

void PeerRef::node_died() {
  // The peer knows now and gives nothing back: what it held ends here.
  table_.model_.effects.send(holder_.host(), peer::NodeDied{.node = node().number()}, {});
  destroy();
}

void PeerRef::owner_froze(bool frozen) {
  if (!watches_freezing_) return;
  table_.model_.effects.send(holder_.host(),
                             peer::FreezeState{.node = node().number(), .frozen = frozen}, {});
}

void PeerRef::destroy() { table_.destroy(*this); }

PeerRef& Exports::ref(Peer& peer, Node& node) {
  if (PeerRef* known = peer.find_ref(node.number())) return *known;
  PeerRef* made = pool_.create(*this, peer, node, model_.next_debug_id());
  peer.refs_.emplace(node.number(), made);
  exported_.emplace(node.number(), &node);
  node.set_exported();
  node.refs().push_back(*made);
  return *made;
}

void Exports::destroy(PeerRef& ref) {
  NB_CHECK(ref.peer()->refs_.erase(ref.node().number()) == 1);
  model_.nodes.unlink(ref);
  pool_.destroy(&ref);
}

// ---- giving ----

WireNode Exports::give(Peer& peer, Node& node, RefKind kind, Thread* teller) {
  WireNode wire;
  wire.node = node.identity();
  wire.strong = kind == RefKind::kStrong;
  if (node.dead()) {
    wire.dead = true;
  } else if (node.local()) {
    PeerRef& counted = ref(peer, node);
    NB_CHECK(model_.nodes.increment(counted, RefKind::kWeak, teller));
    if (wire.strong) NB_CHECK(model_.nodes.increment(counted, RefKind::kStrong, teller));
  } else if (&node.import()->home() != &peer) {
    // It is a third host's: it stays alive through us until the peer is known there.
    wire.handoff = handoffs_.begin(node, kind, peer.host());
  }
  return wire;
}

void Exports::withdraw(Peer& peer, const WireNode& wire) {
  if (wire.dead) return;
  if (wire.handoff != HandoffId{}) {
    handoffs_.withdraw(wire.handoff);
  } else if (wire.node.host == model_.setup.host) {
    PeerRef* counted = peer.find_ref(wire.node.number);
    NB_CHECK(counted != nullptr);
    model_.nodes.give_back(*counted, wire.strong ? 1 : 0, 1);
  }
}

Node* Exports::callable(const Peer& peer, NodeNumber number) {
  const PeerRef* held = peer.find_ref(number);
  return held != nullptr && held->strong() > 0 && held->node().local() ? &held->node() : nullptr;
}

// ---- messages ----

const char* Exports::released(Peer& peer, const peer::ReleaseRefs& message) {
  PeerRef* held = peer.find_ref(message.node);
  if (held == nullptr) return nullptr;  // the node died; the peer will read of it
  if (message.strong > held->strong() || message.weak > held->weak()) {
    return "references given back that were not given";
  }
  model_.nodes.give_back(*held, message.strong, message.weak);
  return nullptr;
}

void Exports::claimed(Peer& peer, const peer::ClaimRef& message) {
  peer::ClaimResult result{.node = message.node,
                           .strong = message.strong,
                           .introducer = message.introducer,
                           .handoff = message.handoff,
                           .alive = false};
  const auto found = exported_.find(message.node);
  if (found != exported_.end() && found->second->local()) {
    PeerRef& counted = ref(peer, *found->second);
    NB_CHECK(model_.nodes.increment(counted, RefKind::kWeak, nullptr));
    if (message.strong && !model_.nodes.increment(counted, RefKind::kStrong, nullptr)) {
      model_.nodes.decrement(counted, RefKind::kWeak);
    } else {
      result.alive = true;
    }
  }
  model_.effects.send(peer.host(), result, {});
}

void Exports::watched(Peer& peer, const peer::WatchFreeze& message) {
  // The peer hears otherwise of a node that has died; but it waits for an answer.
  bool frozen = false;
  if (PeerRef* held = peer.find_ref(message.node)) {
    held->watch_freezing();
    frozen = held->node().local() && held->node().owner()->frozen();
  }
  model_.effects.send(peer.host(), peer::FreezeState{.node = message.node, .frozen = frozen}, {});
}

// ---- ends ----

void Exports::node_ends(const Node& node) {
  const auto found = exported_.find(node.number());
  if (found != exported_.end() && found->second == &node) exported_.erase(found);
}

void Exports::peer_lost(Peer& peer) {
  std::vector<PeerRef*> refs;
  for (auto& [number, ref] : peer.refs_) refs.push_back(ref);
  std::sort(refs.begin(), refs.end(), [](const PeerRef* a, const PeerRef* b) {
    return a->node().number() < b->node().number();
  });
  for (PeerRef* ref : refs) ref->destroy();
}

void Exports::check(const Peer& peer) const {
  for (const auto& [number, ref] : peer.refs()) {
    NB_CHECK(ref->peer() == &peer && ref->node().number() == number && ref->node().local());
    NB_CHECK(!ref->unused() && exported_.at(number) == &ref->node());
  }
}

}  // namespace netbinder
