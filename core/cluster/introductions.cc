// SPDX-License-Identifier: Apache-2.0
#include "core/cluster/introductions.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/model/model.h"

namespace netbinder {

namespace {

// While no session is lost, a reference is kept for this many times the timeout: it may be in a
// long queue, or its recipient could not reach this host when it came, which nobody reports.
constexpr std::uint64_t kPatience = 6;

RefKind kind_of(bool strong) { return strong ? RefKind::kStrong : RefKind::kWeak; }

}  // namespace

// ---- the escrow ----

void EscrowRef::destroy() {
  const auto found = table_.introductions_.find(handoff_);
  NB_CHECK(found != table_.introductions_.end() && found->second.escrow == this);
  found->second.escrow = nullptr;
  found->second.state = Introductions::State::kVoid;
  table_.model_.nodes.unlink(*this);
  table_.pool_.destroy(this);
}

void Introductions::release_escrow(Introduction& introduction) {
  if (introduction.escrow != nullptr) introduction.escrow->destroy();
}

// ---- messages ----

// ledgers.pml: introduce_arrives
const char* Introductions::introduced(Peer& introducer, const peer::Introduce& message) {
  if (message.recipient == model_.setup.host || message.recipient == introducer.host() ||
      message.handoff == HandoffId{}) {
    return "an introduction of nobody";
  }
  const Handoff handoff{.introducer = introducer.host(), .id = message.handoff};
  std::size_t& under_way = of_peer_[introducer.host()];
  if (under_way >= kMaxOfPeer) return "too many introductions";
  const auto [added, is_new] =
      introductions_.emplace(handoff, Introduction{.node = message.node,
                                                   .kind = kind_of(message.strong),
                                                   .recipient = message.recipient});
  if (!is_new) return "the number of a handoff was used twice";
  ++under_way;
  const bool reachable = peers_.find(message.recipient) != nullptr;
  added->second.deadline_ms =
      model_.now_ms + (reachable ? kPatience : 1) * model_.setup.handoff_timeout_ms;
  add_deadline(handoff, added->second.deadline_ms);
  decide(introducer, message.handoff);
  return nullptr;
}

template <typename Which>
void Introductions::limit(const Which& which) {
  const std::uint64_t deadline = deadline_ms();
  bool any = false;
  for (auto& [handoff, introduction] : introductions_) {
    if (introduction.deadline_ms <= deadline || !which(handoff, introduction)) continue;
    introduction.deadline_ms = deadline;
    deadlines_.emplace_back(deadline, handoff);
    any = true;
  }
  if (any) model_.effects.set_timer(deadline);
}

void Introductions::recipient_lost(Peer& introducer, HostId recipient) {
  limit([&](const Handoff& handoff, const Introduction& introduction) {
    return handoff.introducer == introducer.host() && introduction.recipient == recipient;
  });
}

// Decides a waiting introduction, if the introducer's own claims of the node allow that yet.
void Introductions::decide(Peer& introducer, HandoffId id) {
  const Handoff handoff{.introducer = introducer.host(), .id = id};
  const auto found = introductions_.find(handoff);
  if (found == introductions_.end() || found->second.state != State::kWaiting) return;
  Introduction& introduction = found->second;
  const bool strong = introduction.kind == RefKind::kStrong;
  const PeerRef* held = introducer.find_ref(introduction.node);
  if (held != nullptr && (!strong || held->strong() > 0)) {
    EscrowRef* escrow = pool_.create(*this, handoff, held->node(), model_.next_debug_id());
    held->node().refs().push_back(*escrow);
    NB_CHECK(model_.nodes.increment(*escrow, RefKind::kWeak, nullptr));
    if (strong) NB_CHECK(model_.nodes.increment(*escrow, RefKind::kStrong, nullptr));
    introduction.escrow = escrow;
    introduction.state = State::kHeld;
  } else {
    const auto claims = waiting_.find({introducer.host(), introduction.node});
    if (claims != waiting_.end() &&
        (strong ? claims->second.strong_claims : claims->second.claims) > 0) {
      claims->second.introductions.push_back(id);
      return;
    }
    introduction.state = State::kVoid;
  }
  serve_parked(handoff);
}

// Answers the parked claims of a handoff by the state that its introduction has now.
void Introductions::serve_parked(const Handoff& handoff) {
  const auto [begin, end] = parked_.equal_range(handoff);
  std::vector<ParkedClaim> claims;
  for (auto it = begin; it != end; ++it) claims.push_back(it->second);
  parked_.erase(begin, end);
  // The recipient's claim comes first: it ends the introduction, so other claims are refused.
  const auto introduction = introductions_.find(handoff);
  if (introduction != introductions_.end()) {
    const HostId recipient = introduction->second.recipient;
    std::ranges::stable_partition(
        claims, [&](const ParkedClaim& claim) { return claim.claimant == recipient; });
  }
  for (const ParkedClaim& claim : claims) {
    --of_peer_[claim.claimant];
    if (Peer* claimant = peers_.find(claim.claimant)) {
      answer(*claimant, handoff, claim.node, claim.kind);
    }
    no_longer_parked({claim.claimant, claim.node}, claim.kind);
  }
}

// ledgers.pml: claim_arrives
const char* Introductions::claimed(Peer& claimant, const peer::ClaimRef& message) {
  const Handoff handoff{.introducer = message.introducer, .id = message.handoff};
  const RefKind kind = kind_of(message.strong);
  const auto introduction = introductions_.find(handoff);
  const bool undecided = introduction == introductions_.end()
                             ? peers_.find(message.introducer) != nullptr
                             : introduction->second.state == State::kWaiting;
  if (!undecided || message.introducer == claimant.host()) {
    answer(claimant, handoff, message.node, kind);
    return nullptr;
  }
  if (of_peer_[claimant.host()] >= kMaxOfPeer) return "too many claims";
  park(claimant, handoff, message.node, kind);
  return nullptr;
}

void Introductions::answer(Peer& claimant, const Handoff& handoff, NodeNumber node, RefKind kind) {
  const auto found = introductions_.find(handoff);
  // A claim that does not match the introduction is refused, and does not end it.
  if (found == introductions_.end() || found->second.recipient != claimant.host() ||
      found->second.node != node || found->second.kind != kind) {
    tell(claimant, handoff, node, kind, Answer::kNothing);
    return;
  }
  Answer answer = Answer::kNothing;
  if (const EscrowRef* escrow = found->second.escrow) {
    exports_.count(claimant, escrow->node(), kind);
    answer = Answer::kCounted;
  }
  end(handoff);
  tell(claimant, handoff, node, kind, answer);
}

void Introductions::tell(const Peer& claimant, const Handoff& handoff, NodeNumber node,
                         RefKind kind, Answer answer) {
  model_.effects.send(claimant.host(),
                      peer::ClaimResult{.node = node,
                                        .strong = kind == RefKind::kStrong,
                                        .introducer = handoff.introducer,
                                        .handoff = handoff.id,
                                        .alive = answer == Answer::kCounted},
                      {});
}

void Introductions::watched(Peer& peer, const peer::WatchFreeze& message) {
  const auto parked = waiting_.find({peer.host(), message.node});
  if (peer.find_ref(message.node) == nullptr && parked != waiting_.end()) {
    parked->second.watches = true;
  } else {
    exports_.watched(peer, message.node);
  }
}

// ---- parked claims ----

void Introductions::park(const Peer& claimant, const Handoff& handoff, NodeNumber node,
                         RefKind kind) {
  const std::uint64_t deadline = deadline_ms();
  parked_.emplace(handoff, ParkedClaim{.claimant = claimant.host(),
                                       .node = node,
                                       .kind = kind,
                                       .deadline_ms = deadline});
  ++of_peer_[claimant.host()];
  Waiting& waiting = waiting_[{claimant.host(), node}];
  ++waiting.claims;
  if (kind == RefKind::kStrong) ++waiting.strong_claims;
  add_deadline(handoff, deadline);
}

void Introductions::no_longer_parked(const Claimed& claimed, RefKind kind) {
  const auto found = waiting_.find(claimed);
  if (found == waiting_.end()) return;  // the claimant's session is over
  Waiting& waiting = found->second;
  NB_CHECK(waiting.claims > 0);
  --waiting.claims;
  if (kind == RefKind::kStrong) --waiting.strong_claims;
  const std::vector<HandoffId> introductions = std::exchange(waiting.introductions, {});
  bool watches = false;
  if (waiting.claims == 0) {
    watches = waiting.watches;
    waiting_.erase(found);
  }
  Peer* claimant = peers_.find(claimed.first);
  if (claimant == nullptr) return;
  if (watches) exports_.watched(*claimant, claimed.second);
  for (const HandoffId id : introductions) decide(*claimant, id);
}

// ---- ends ----

void Introductions::end(const Handoff& handoff) {
  const auto found = introductions_.find(handoff);
  release_escrow(found->second);
  introductions_.erase(handoff);
  --of_peer_[handoff.introducer];
}

// ledgers.pml: lost_at_home
void Introductions::peer_lost(Peer& peer) {
  const HostId host = peer.host();
  limit([&](const Handoff& handoff, const Introduction& introduction) {
    return handoff.introducer == host || introduction.recipient == host;
  });
  // Its claims end, and so do the introductions that waited for them: they are void.
  std::vector<Handoff> undecided;
  for (auto it = waiting_.lower_bound({host, NodeNumber{}});
       it != waiting_.end() && it->first.first == host; it = waiting_.erase(it)) {
    for (const HandoffId id : it->second.introductions) {
      undecided.push_back({.introducer = host, .id = id});
    }
  }
  of_peer_[host] -= std::erase_if(
      parked_, [&](const auto& parked) { return parked.second.claimant == host; });
  for (const Handoff& handoff : undecided) {
    const auto found = introductions_.find(handoff);
    if (found != introductions_.end()) found->second.state = State::kVoid;
  }
  // Claims of others that name this host as the introducer will see no introduction any more.
  while (true) {
    const auto next = parked_.lower_bound(Handoff{.introducer = host, .id = {}});
    if (next == parked_.end() || next->first.introducer != host) break;
    serve_parked(Handoff(next->first));
  }
}

void Introductions::timer_expired() {
  timer_set_ = false;
  const auto due = std::ranges::stable_partition(
      deadlines_, [&](const auto& entry) { return entry.first > model_.now_ms; });
  const std::vector<std::pair<std::uint64_t, Handoff>> now_due(due.begin(), due.end());
  deadlines_.erase(due.begin(), due.end());
  for (const auto& [deadline, handoff] : now_due) {
    const auto found = introductions_.find(handoff);
    const bool expired = found != introductions_.end() && found->second.deadline_ms <= deadline;
    if (expired) end(handoff);
    const auto [begin, end_of_range] = parked_.equal_range(handoff);
    const bool parked = std::any_of(begin, end_of_range, [&, due = deadline](const auto& claim) {
      return claim.second.deadline_ms <= due;
    });
    if (expired || parked) serve_parked(handoff);
  }
  set_timer();
}

std::uint64_t Introductions::deadline_ms() const {
  return model_.now_ms + model_.setup.handoff_timeout_ms;
}

void Introductions::add_deadline(const Handoff& handoff, std::uint64_t deadline_ms) {
  // Most of the oldest have ended by now. They are removed first, so that the list stays short.
  while (!deadlines_.empty() && !introductions_.contains(deadlines_.front().second) &&
         !parked_.contains(deadlines_.front().second)) {
    deadlines_.pop_front();
  }
  deadlines_.emplace_back(deadline_ms, handoff);
  set_timer();
}

void Introductions::set_timer() {
  if (timer_set_ || deadlines_.empty()) return;
  timer_set_ = true;
  model_.effects.set_timer(std::ranges::min(
      deadlines_, {}, &std::pair<std::uint64_t, Handoff>::first).first);
}

void Introductions::check() const {
  std::size_t held = 0;
  boost::container::flat_map<HostId, std::size_t> of_peer;
  for (const auto& [handoff, introduction] : introductions_) {
    ++of_peer[handoff.introducer];
    NB_CHECK((introduction.state == State::kHeld) == (introduction.escrow != nullptr));
    if (introduction.escrow == nullptr) continue;
    ++held;
    NB_CHECK(introduction.escrow->node().local() && introduction.escrow->weak() == 1);
    NB_CHECK(introduction.escrow->node().number() == introduction.node);
  }
  NB_CHECK(held == pool_.live());
  std::map<Claimed, std::uint32_t> parked;
  for (const auto& [handoff, claim] : parked_) {
    NB_CHECK(peers_.find(claim.claimant) != nullptr && peers_.find(handoff.introducer) != nullptr);
    ++parked[{claim.claimant, claim.node}];
    ++of_peer[claim.claimant];
  }
  NB_CHECK(parked.size() == waiting_.size());
  for (const auto& [claimed, waiting] : waiting_) NB_CHECK(waiting.claims == parked.at(claimed));
  for (const auto& [host, count] : of_peer_) {
    const auto found = of_peer.find(host);
    NB_CHECK(count == (found == of_peer.end() ? 0 : found->second));
  }
}

}  // namespace netbinder
