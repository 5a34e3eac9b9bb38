// SPDX-License-Identifier: Apache-2.0
#include "core/cluster/imports.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/check.h"
#include "core/model/model.h"

namespace netbinder {

namespace {

// References to nodes of one host that are waited for.
constexpr std::size_t kMaxAwaited = 1U << 16;

constexpr const char* kUnknownHost = "its host is not a member here";
constexpr const char* kTooMany = "too many handles wait for its host to connect";

RefKind kind_of(const WireNode& wire) { return wire.strong ? RefKind::kStrong : RefKind::kWeak; }

}  // namespace

// ---- receiving ----

// ledgers.pml: reference_arrives
std::expected<Node*, const char*> Imports::receive(Peer& peer, const WireNode& wire) {
  if (wire.dead) {
    // A process has one handle for each node. If we have yet to read of its death, this is it.
    if (const Peer* home = peers_.home_of(wire.node)) {
      Node* node = home->find_imported(wire.node.number);
      if (node != nullptr && (!wire.strong || node->internal_strong() > 0)) return node;
    }
    return &model_.nodes.dead_as_given(wire.node, kind_of(wire));
  }
  if (wire.node.host == model_.setup.host) return come_home(peer, wire);
  if (wire.node.host == peer.host()) {
    if (wire.node.incarnation != peer.incarnation()) {
      return std::unexpected("a node of another incarnation of the peer");
    }
    Node& node = imported(peer, wire.node.number);
    node.import()->receive(kind_of(wire));
    return &node;
  }
  if (wire.handoff == HandoffId{}) {
    return std::unexpected("a node of a third host without a handoff");
  }
  return introduced(peer, wire);
}

void Imports::receive_in_vain(Peer& peer, const WireNode& wire) {
  const auto node = receive(peer, wire);
  if (node && !(*node)->local()) model_.nodes.judge(**node);
}

Node* Imports::come_home(const Peer& peer, const WireNode& wire) {
  // A peer can name only what it holds. It may believe wrongly that it holds the node (the node
  // died, or its claim was refused, and it has not read so yet): then the reference is dead.
  const PeerRef* held = peer.find_ref(wire.node.number);
  const bool holds = wire.node.incarnation == model_.setup.incarnation && held != nullptr &&
                     (!wire.strong || held->strong() > 0);
  return holds ? &held->node() : &model_.nodes.dead_as_given(wire.node, kind_of(wire));
}

Node* Imports::introduced(Peer& peer, const WireNode& wire) {
  const auto known = await_home(wire.node);
  if (!known) {
    model_.effects.home_unreachable(wire.node.host, peer.host());
    return &model_.nodes.dead_as_given(wire.node, kind_of(wire), known.error());
  }
  Peer& home = **known;
  Node& node = imported(home, wire.node.number);
  node.import()->claim(kind_of(wire));
  home.claims_.push_back({.node = wire.node.number,
                          .kind = kind_of(wire),
                          .introducer = peer.host(),
                          .handoff = wire.handoff});
  if (home.is_connected()) {
    send_claim(home, home.claims_.back());
  } else {
    home.claims_.back().deadline_ms = model_.now_ms + model_.setup.home_wait_ms;
    if (home.claims_.size() == 1) set_timer();
  }
  return &node;
}

void Imports::send_claim(const Peer& home, const PendingClaim& claim) {
  model_.effects.send(home.host(),
                      peer::ClaimRef{.node = claim.node,
                                     .strong = claim.kind == RefKind::kStrong,
                                     .introducer = claim.introducer,
                                     .handoff = claim.handoff},
                      {});
}

// ---- nodes whose home has yet to connect ----

std::expected<Peer*, const char*> Imports::await_home(const NodeIdentity& node) {
  Peer* home = peers_.home_of(node);
  if (home != nullptr && home->is_connected()) return home;
  if (home == nullptr) {
    if (peers_.find(node.host) != nullptr) return std::unexpected(kStartedAgain);
    if (!model_.effects.is_member(node.host)) return std::unexpected(kUnknownHost);
    home = peers_.await(node.host, node.incarnation);
  }
  if (home == nullptr || home->claims_.size() >= kMaxAwaited) return std::unexpected(kTooMany);
  return home;
}

// ledgers.pml: home_connects
void Imports::send_claims(const Peer& home) {
  for (const PendingClaim& claim : home.claims_) send_claim(home, claim);
}

std::vector<Node*> Imports::overdue(const Peer& home) {
  std::vector<Node*> nodes;
  for (const PendingClaim& claim : home.claims_) {
    if (claim.deadline_ms > model_.now_ms) break;  // they are in order
    Node* node = home.find_imported(claim.node);
    NB_CHECK(node != nullptr);
    if (std::ranges::find(nodes, node) != nodes.end()) continue;
    nodes.push_back(node);
    model_.effects.home_unreachable(home.host(), claim.introducer);
  }
  return nodes;
}

void Imports::drop_claims(Node& node) {
  std::erase_if(node.import()->home().claims_,
                [&](const PendingClaim& claim) { return claim.node == node.number(); });
}

void Imports::set_timer() {
  std::optional<std::uint64_t> next;
  for (const auto& [life, home] : peers_.awaited()) {
    const std::uint64_t deadline_ms = home->claims_.front().deadline_ms;
    if (!next || deadline_ms < *next) next = deadline_ms;
  }
  if (next) model_.effects.set_timer(*next);
}

Node& Imports::imported(Peer& home, NodeNumber number) {
  if (Node* known = home.find_imported(number)) return *known;
  Node& node = model_.nodes.create_imported(
      {.host = home.host(), .incarnation = home.incarnation(), .number = number}, home);
  home.imported_.emplace(number, &node);
  return node;
}

// ---- giving back ----

void Imports::give_back(Node& node) {
  ImportedNode& import = *node.import();
  peer::ReleaseRefs release{.node = node.number(), .strong = 0, .weak = 0};
  if (!node.strongly_held()) release.strong = import.take_strong();
  if (!node.strongly_held() && !node.weakly_held()) release.weak = import.take_weak();
  if (release.strong > 0 || release.weak > 0) {
    model_.effects.send(import.home().host(), release, {});
  }
}

void Imports::node_ends(Node& node) {
  give_back(node);
  node.import()->home().imported_.erase(node.number());
}

void Imports::lose(Node& node, const char* reason) {
  Peer& home = node.import()->home();
  for (PendingClaim& claim : home.claims_) {
    if (claim.node == node.number()) claim.wanted = false;  // a new node may get its number here
  }
  home.imported_.erase(node.number());
  model_.nodes.lose_home(node, reason);
}

// ---- claims ----

// ledgers.pml: result_arrives
Imports::Answered Imports::claim_answered(Peer& peer, const peer::ClaimResult& message) {
  const RefKind kind = message.strong ? RefKind::kStrong : RefKind::kWeak;
  const auto claim =
      std::find_if(peer.claims_.begin(), peer.claims_.end(), [&](const PendingClaim& pending) {
        return pending.node == message.node && pending.kind == kind &&
               pending.introducer == message.introducer && pending.handoff == message.handoff;
      });
  if (claim == peer.claims_.end()) return {.answer = Answer::kUnknown};
  const bool wanted = claim->wanted;
  peer.claims_.erase(claim);
  if (!wanted) {
    if (message.alive) {
      const std::uint64_t strong = message.strong ? 1 : 0;
      model_.effects.send(peer.host(),
                          peer::ReleaseRefs{.node = message.node, .strong = strong, .weak = 1}, {});
    }
    return {};
  }
  Node* node = peer.find_imported(message.node);
  NB_CHECK(node != nullptr);
  ImportedNode& import = *node->import();
  import.claim_answered(kind);
  if (message.alive) {
    import.receive(kind);
  } else if (!import.may_be(kind)) {
    // No count backs the references that came by the claim. The home's other counts go back to it.
    const peer::ReleaseRefs rest{.node = message.node, .strong = import.take_strong(),
                                 .weak = import.take_weak()};
    if (rest.strong > 0 || rest.weak > 0) model_.effects.send(peer.host(), rest, {});
    return {.answer = Answer::kNodeDied, .node = node};
  }
  if (!node->strongly_held()) model_.nodes.judge(*node);
  return {};
}

std::vector<Node*> Imports::in_order(const Peer& peer) {
  std::vector<Node*> nodes;
  for (const auto& [number, node] : peer.imported()) nodes.push_back(node);
  std::sort(nodes.begin(), nodes.end(),
            [](const Node* a, const Node* b) { return a->number() < b->number(); });
  return nodes;
}

void Imports::check(const Peer& peer) const {
  for (const auto& [number, node] : peer.imported()) {
    NB_CHECK(node->imported() && &node->import()->home() == &peer && node->number() == number);
    node->check();
  }
}

}  // namespace netbinder
