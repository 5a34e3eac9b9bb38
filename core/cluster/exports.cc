// SPDX-License-Identifier: Apache-2.0
#include "core/cluster/exports.h"

#include <algorithm>
#include <iterator>

#include "core/base/check.h"

namespace netbinder {

// ---- refs of peers ----

void PeerRef::node_died() {
  // The peer gives nothing back after NodeDied, so the references that it held end here.
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
  // The recipient could not claim a node whose home this host cannot reach. A sender of such a node
  // has waited before it came here, so this program has changed its parcel meanwhile.
  const bool unreachable = node.imported() && !node.import()->home().is_connected();
  if (node.dead() || unreachable) {
    wire.dead = true;
  } else if (node.local()) {
    PeerRef& counted = ref(peer, node);
    NB_CHECK(model_.nodes.increment(counted, RefKind::kWeak, teller));
    if (wire.strong) NB_CHECK(model_.nodes.increment(counted, RefKind::kStrong, teller));
  } else if (&node.import()->home() != &peer) {
    wire.handoff = HandoffId{next_handoff_++};  // a third host is its home
  }
  return wire;
}

// ledgers.pml: hand_on
void Exports::sent(const Peer& peer, const WireNode& wire) {
  if (wire.handoff == HandoffId{}) return;
  introduced_.emplace(peer.host(), wire.node.host);
  model_.effects.send(wire.node.host,
                      peer::Introduce{.node = wire.node.number,
                                      .strong = wire.strong,
                                      .recipient = peer.host(),
                                      .handoff = wire.handoff},
                      {});
}

void Exports::withdraw(Peer& peer, const WireNode& wire) {
  if (wire.dead || wire.node.host != model_.setup.host) return;
  PeerRef* counted = peer.find_ref(wire.node.number);
  NB_CHECK(counted != nullptr);
  model_.nodes.give_back(*counted, wire.strong ? 1 : 0, 1);
}

void Exports::count(Peer& peer, Node& node, RefKind kind) {
  PeerRef& counted = ref(peer, node);
  NB_CHECK(model_.nodes.increment(counted, RefKind::kWeak, nullptr));
  if (kind == RefKind::kStrong) {
    NB_CHECK(model_.nodes.increment(counted, RefKind::kStrong, nullptr));
  }
}

void Exports::revoke(Node& node) {
  const NodeHold meanwhile = NodeHold::weak(model_.nodes, node);
  for (auto it = node.refs().begin(); it != node.refs().end();) {
    Ref& ref = *it++;
    if (ref.process() == nullptr) ref.node_died();
  }
  // Messages that peers sent before they read of this name the old number, and so the dead node.
  model_.nodes.renumber(node);
}

Node* Exports::callable(const Peer& peer, NodeNumber number) {
  const PeerRef* held = peer.find_ref(number);
  return held != nullptr && held->strong() > 0 && held->node().local() ? &held->node() : nullptr;
}

// ---- messages ----

// ledgers.pml: release_arrives
const char* Exports::released(Peer& peer, const peer::ReleaseRefs& message) {
  PeerRef* held = peer.find_ref(message.node);
  if (held == nullptr) return nullptr;  // the node died, and NodeDied is on its way to the peer
  if (message.strong > held->strong() || message.weak > held->weak()) {
    return "references given back that were not given";
  }
  model_.nodes.give_back(*held, message.strong, message.weak);
  return nullptr;
}

void Exports::watched(Peer& peer, NodeNumber number) {
  // NodeDied tells the peer of a dead node; but a thread there waits for this answer.
  bool frozen = false;
  if (PeerRef* held = peer.find_ref(number)) {
    held->watch_freezing();
    frozen = held->node().local() && held->node().owner()->frozen();
  }
  model_.effects.send(peer.host(), peer::FreezeState{.node = number, .frozen = frozen}, {});
}

// ---- ends ----

// ledgers.pml: tell_recipient_lost, lost_at_home
void Exports::peer_lost(Peer& peer) {
  for (auto it = introduced_.begin(); it != introduced_.end();) {
    const auto [recipient, home] = *it;
    if (recipient == peer.host()) {
      model_.effects.send(home, peer::RecipientLost{.recipient = recipient}, {});
    }
    it = recipient == peer.host() || home == peer.host() ? introduced_.erase(it) : std::next(it);
  }
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
    NB_CHECK(!ref->unused());
  }
}

}  // namespace netbinder
