// SPDX-License-Identifier: Apache-2.0
#include "core/cluster/introductions.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/model/model.h"

namespace netbinder {

namespace {

// While no session is lost, a reference is kept for this many times the timeout: it may be in a
// long queue, or its recipient could not reach this host when it came, which nobody reports. An
// introducer has as long to answer.
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
  added->second.deadline_ms = deadline_ms(reachable ? kPatience : 1);
  add_deadline(handoff, added->second.deadline_ms);
  // Its claims wait for the decision now, and no longer for the introducer.
  for (auto it = parked_.lower_bound({.handoff = handoff});
       it != parked_.end() && it->first.handoff == handoff; ++it) {
    if (it->second.is_linked()) it->second.unlink();
    it->second.deadline_ms = deadline_ms();
  }
  if (parked(handoff)) add_deadline(handoff, deadline_ms());
  decide(introducer, message.handoff);
  return nullptr;
}

template <typename Which>
void Introductions::limit(const Which& which) {
  const std::uint64_t deadline = deadline_ms();
  for (auto& [handoff, introduction] : introductions_) {
    if (introduction.deadline_ms <= deadline || !which(handoff, introduction)) continue;
    introduction.deadline_ms = deadline;
    deadlines_.emplace_back(deadline, handoff);
    set_timer(deadline);
  }
}

// ledgers.pml: recipient_lost_arrives
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
  // The recipient's claim comes first: it ends the introduction, so other claims are refused.
  const auto introduction = introductions_.find(handoff);
  if (introduction != introductions_.end()) {
    const HostId recipient = introduction->second.recipient;
    for (auto it = parked_.lower_bound({.handoff = handoff});
         it != parked_.end() && it->first.handoff == handoff; ++it) {
      if (it->second.claim.claimant != recipient) continue;
      serve(it->second);
      break;
    }
  }
  while (true) {
    const auto next = parked_.lower_bound({.handoff = handoff});
    if (next == parked_.end() || next->first.handoff != handoff) break;
    serve(next->second);
  }
}

void Introductions::serve(ParkedClaim& parked) {
  const Handoff handoff = parked.key.handoff;
  const Claim claim = parked.claim;
  parked_.erase(ParkedKey(parked.key));
  --of_peer_[claim.claimant];
  if (Peer* claimant = peers_.find(claim.claimant)) answer(*claimant, handoff, claim);
  no_longer_parked(claim);
}

// ledgers.pml: claim_arrives
const char* Introductions::claimed(Peer& claimant, const peer::ClaimRef& message) {
  const Handoff handoff{.introducer = message.introducer, .id = message.handoff};
  const Claim claim{
      .claimant = claimant.host(), .node = message.node, .kind = kind_of(message.strong)};
  const auto introduction = introductions_.find(handoff);
  const bool undecided = introduction == introductions_.end()
                             ? peers_.find(message.introducer) != nullptr
                             : introduction->second.state == State::kWaiting;
  if (!undecided || message.introducer == claimant.host()) {
    answer(claimant, handoff, claim);
    return nullptr;
  }
  if (of_peer_[claimant.host()] >= kMaxOfPeer) return "too many claims";
  park(handoff, claim);
  return nullptr;
}

void Introductions::answer(Peer& claimant, const Handoff& handoff, const Claim& claim) {
  const auto found = introductions_.find(handoff);
  // A claim that does not match the introduction is refused, and does not end it.
  if (found == introductions_.end() || found->second.recipient != claim.claimant ||
      found->second.node != claim.node || found->second.kind != claim.kind) {
    tell(handoff, claim, Answer::kNothing);
    return;
  }
  Answer answer = Answer::kNothing;
  if (const EscrowRef* escrow = found->second.escrow) {
    exports_.count(claimant, escrow->node(), claim.kind);
    answer = Answer::kCounted;
  }
  end(handoff);
  tell(handoff, claim, answer);
}

void Introductions::tell(const Handoff& handoff, const Claim& claim, Answer answer) {
  model_.effects.send(claim.claimant,
                      peer::ClaimResult{.node = claim.node,
                                        .strong = claim.kind == RefKind::kStrong,
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

bool Introductions::parked(const Handoff& handoff) const {
  const auto next = parked_.lower_bound({.handoff = handoff});
  return next != parked_.end() && next->first.handoff == handoff;
}

void Introductions::park(const Handoff& handoff, const Claim& claim) {
  const ParkedKey key{.handoff = handoff, .serial = next_serial_++};
  ParkedClaim& parked = parked_.try_emplace(key, key, claim).first->second;
  ++of_peer_[claim.claimant];
  Waiting& waiting = waiting_[{claim.claimant, claim.node}];
  ++waiting.claims;
  if (claim.kind == RefKind::kStrong) ++waiting.strong_claims;
  const bool asks = can_ask(handoff.introducer) && !introductions_.contains(handoff);
  parked.deadline_ms = deadline_ms(asks ? kPatience : 1);
  add_deadline(handoff, parked.deadline_ms);
  if (asks) ask(parked);
}

bool Introductions::can_ask(HostId introducer) const {
  return asks_introducers(peers_.find(introducer)->version());
}

// ledgers.pml: ask
void Introductions::ask(ParkedClaim& parked) {
  const HostId introducer = parked.key.handoff.introducer;
  Question& question = questions_[introducer];
  if (question.under_way) {
    question.later.push_back(parked);
    return;
  }
  question.under_way = true;
  question.asked.push_back(parked);
  model_.effects.send(introducer, peer::AskIntroductions{}, {});
}

// ledgers.pml: all_sent_arrives
const char* Introductions::all_sent(const Peer& introducer) {
  const auto found = questions_.find(introducer.host());
  if (found == questions_.end() || !found->second.under_way) return "an answer to no question";
  Question& question = found->second;
  ClaimList settled;
  settled.swap(question.asked);
  question.asked.swap(question.later);
  question.under_way = !question.asked.empty();
  if (question.under_way) model_.effects.send(introducer.host(), peer::AskIntroductions{}, {});
  while (!settled.empty()) serve(settled.front());
  return nullptr;
}

void Introductions::no_longer_parked(const Claim& claim) {
  const auto found = waiting_.find({claim.claimant, claim.node});
  if (found == waiting_.end()) return;  // the claimant's session is over
  Waiting& waiting = found->second;
  NB_CHECK(waiting.claims > 0);
  --waiting.claims;
  if (claim.kind == RefKind::kStrong) --waiting.strong_claims;
  const std::vector<HandoffId> introductions = std::exchange(waiting.introductions, {});
  bool watches = false;
  if (waiting.claims == 0) {
    watches = waiting.watches;
    waiting_.erase(found);
  }
  Peer* claimant = peers_.find(claim.claimant);
  if (claimant == nullptr) return;
  if (watches) exports_.watched(*claimant, claim.node);
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
      parked_, [&](const auto& parked) { return parked.second.claim.claimant == host; });
  for (const Handoff& handoff : undecided) {
    const auto found = introductions_.find(handoff);
    if (found != introductions_.end()) found->second.state = State::kVoid;
  }
  // Claims of others that name this host as the introducer will see no introduction any more.
  while (true) {
    const auto next = parked_.lower_bound({.handoff = {.introducer = host, .id = {}}});
    if (next == parked_.end() || next->first.handoff.introducer != host) break;
    serve_parked(Handoff(next->first.handoff));
  }
  questions_.erase(host);
}

void Introductions::timer_expired() {
  timer_ms_ = kNone;
  const auto due = std::ranges::stable_partition(
      deadlines_, [&](const auto& entry) { return entry.first > model_.now_ms; });
  const std::vector<std::pair<std::uint64_t, Handoff>> now_due(due.begin(), due.end());
  deadlines_.erase(due.begin(), due.end());
  for (const auto& [deadline, handoff] : now_due) {
    const auto found = introductions_.find(handoff);
    const bool expired = found != introductions_.end() && found->second.deadline_ms <= deadline;
    if (expired) {
      end(handoff);
      serve_parked(handoff);
    }
    // The oldest claim is the first that is due.
    while (true) {
      const auto next = parked_.lower_bound({.handoff = handoff});
      if (next == parked_.end() || next->first.handoff != handoff) break;
      if (next->second.deadline_ms > model_.now_ms) break;
      serve(next->second);
    }
  }
  if (deadlines_.empty()) return;
  using Deadline = std::pair<std::uint64_t, Handoff>;
  set_timer(std::ranges::min(deadlines_, {}, &Deadline::first).first);
}

std::uint64_t Introductions::deadline_ms(std::uint64_t times) const {
  return model_.now_ms + times * model_.setup.handoff_timeout_ms;
}

void Introductions::add_deadline(const Handoff& handoff, std::uint64_t deadline_ms) {
  // Most of the oldest have ended by now. They are removed first, so that the list stays short.
  while (!deadlines_.empty() && !introductions_.contains(deadlines_.front().second) &&
         !parked(deadlines_.front().second)) {
    deadlines_.pop_front();
  }
  deadlines_.emplace_back(deadline_ms, handoff);
  set_timer(deadline_ms);
}

void Introductions::set_timer(std::uint64_t deadline_ms) {
  if (deadline_ms >= timer_ms_) return;
  timer_ms_ = deadline_ms;
  model_.effects.set_timer(deadline_ms);
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
  for (const auto& [key, waits] : parked_) {
    const Claim& claim = waits.claim;
    NB_CHECK(peers_.find(claim.claimant) != nullptr &&
             peers_.find(key.handoff.introducer) != nullptr);
    NB_CHECK(waits.key == key);
    NB_CHECK(waits.is_linked() ==
             (can_ask(key.handoff.introducer) && !introductions_.contains(key.handoff)));
    ++parked[{claim.claimant, claim.node}];
    ++of_peer[claim.claimant];
  }
  for (const auto& [introducer, question] : questions_) {
    NB_CHECK(question.under_way || (question.asked.empty() && question.later.empty()));
  }
  NB_CHECK(parked.size() == waiting_.size());
  for (const auto& [claimed, waiting] : waiting_) NB_CHECK(waiting.claims == parked.at(claimed));
  for (const auto& [host, count] : of_peer_) {
    const auto found = of_peer.find(host);
    NB_CHECK(count == (found == of_peer.end() ? 0 : found->second));
  }
}

}  // namespace netbinder
