// SPDX-License-Identifier: Apache-2.0
//
// The part of ContextClaims that is about lists of hosts: what happens to claims when this host or
// a peer has another list, and when the arbiter is another host by it.
#include <cerrno>
#include <utility>

#include "core/cluster/context_claims.h"
#include "core/local/ioctls.h"

namespace netbinder {

namespace {

// As the log of failed calls has it.
constexpr const char* kOtherArbiter = "by the new list of hosts another host is the arbiter";

}  // namespace

// lists.pml: tell_holders
void ContextClaims::tell_holders(const Peer& peer) {
  for (const auto& context : model_.contexts()) {
    const auto holder = holders_.holder(*context);
    if (!holder) continue;
    tell_holder(peer, *context, *holder, Holds::kYes);
    if (*holder == peer.host()) ask_whether_holds(peer, *context);
  }
}

// lists.pml: renew
void ContextClaims::renew() {
  for (const auto& context : model_.contexts()) {
    if (!context->cluster_wide() || context->manager() == nullptr) continue;
    if (claims_[context.get()].granted) continue;
    if (!arbitrates()) {
      // Also if an answer is under way, as it may be one to a claim under an earlier list.
      if (peers_.find(model_.setup.arbiter) != nullptr) ask(*context);
    } else if (may_decide()) {
      decided(*context, decide(*context, model_.setup.host), 0);
    }
  }
}

void ContextClaims::arbiter_moved(Context& context, HostId before) {
  Claim& claim = claims_[&context];
  if (claim.unanswered > 0) claim.left[before] += std::exchange(claim.unanswered, 0);
  if (Thread* claimant = std::exchange(claim.claimant, nullptr)) {
    ioctls_.finish(*claimant, undecided(claimant->process(), kOtherArbiter));
  }
  if (!arbitrates()) {
    claim.granted = false;
  } else if (claim.granted) {
    (void)holders_.claim(context, model_.setup.host);
  } else if (const auto holder = remote_managers_.last_confirmed(context)) {
    (void)holders_.take_over(context, *holder);
  }
}

// lists.pml: update
void ContextClaims::list_changed(HostId before) {
  if (before != model_.setup.arbiter) {
    if (before == model_.setup.host) holders_.clear();
    for (const auto& context : model_.contexts()) {
      if (context->cluster_wide()) arbiter_moved(*context, before);
    }
  }
  decides_ = may_decide();
  if (arbitrates() && decides_) {
    for (const auto& [host, peer] : peers_.all()) tell_holders(*peer);
  }
  renew();
}

// lists.pml: list_told
void ContextClaims::list_told(Peer& peer, ListNumber before) {
  if (by_store()) return;
  const ListNumber now = lists_.of(peer.host());
  if (arbitrates()) {
    if (now != before && lists_.fits(now)) tell_holders(peer);
    reconsider();
  } else if (peer.host() == model_.setup.arbiter && lists_.fits(now)) {
    renew();
  }
}

// lists.pml: reconsider
void ContextClaims::reconsider() {
  const bool may = may_decide();
  const bool begins = may && !decides_ && arbitrates();
  decides_ = may;
  if (!begins) return;
  // Hosts whose claims were not decided claim anew when they read this.
  lists_.tell_all();
  for (const auto& [host, peer] : peers_.all()) tell_holders(*peer);
  renew();
}

}  // namespace netbinder
