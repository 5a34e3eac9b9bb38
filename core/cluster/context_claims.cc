// SPDX-License-Identifier: Apache-2.0
#include "core/cluster/context_claims.h"

#include <cerrno>
#include <utility>

#include "core/base/check.h"
#include "core/local/ioctls.h"
#include "core/local/managers.h"
#include "core/model/access_control.h"

namespace netbinder {

namespace {

// Why a claim is not decided, as the log of failed calls has it.
constexpr const char* kNewerList =
    "another host has a newer list of hosts than this one, which has to take it over";
constexpr const char* kOtherList =
    "the arbiter has another list of hosts than this host, or not every host knows of its list";
constexpr const char* kUnknownList = "not every host knows of this host's list of hosts yet";

}  // namespace

// ---- this host's programs ----

bool ContextClaims::stands(const Context& context) const {
  const auto holder = holders_.holder(context);
  if (holder && *holder != model_.setup.host) return true;
  const auto stored = stored_.find(&context);
  if (stored != stored_.end() && stored->second.host != model_.setup.host) return true;
  const auto found = claims_.find(&context);
  return found != claims_.end() && found->second.claimant != nullptr;
}

// managers.pml: claim
Outcome ContextClaims::claim(Thread& thread, Context& context, const ClaimingContext& claim) {
  if (!lists_.is_newest()) return std::unexpected(undecided(thread.process(), kNewerList));
  if (arbitrates()) {
    if (!may_decide()) return std::unexpected(undecided(thread.process(), kUnknownList));
    if (decide(context, model_.setup.host) == Decision::kDenied) return std::unexpected(-EBUSY);
    return Step::kDone;
  }
  if (!by_store() && peers_.find(model_.setup.arbiter) == nullptr) {
    return std::unexpected(-EHOSTUNREACH);
  }
  claims_[&context].claimant = &thread;
  thread.process().loopers().enter(thread, claim);
  ask(context);
  return Step::kSuspended;
}

void ContextClaims::ask(Context& context) {
  ++claims_[&context].unanswered;
  if (by_store()) return model_.effects.ask_for_claim(context.name());
  const Thread* const claimant = claims_[&context].claimant;
  const Process& of = claimant != nullptr ? claimant->process() : *context.manager()->owner();
  const bool tells = tells_lists(peers_.find(model_.setup.arbiter)->version());
  model_.effects.send(model_.setup.arbiter,
                      peer::ClaimContext{.context = context.name(),
                                         .euid = of.credentials().euid,
                                         .list = tells ? model_.setup.list : ListNumber{}},
                      {});
}

int ContextClaims::undecided(const Process& claimant, const char* reason) {
  TransactionLogEntry entry;
  entry.debug_id = model_.next_debug_id();
  entry.from_pid = claimant.pid();
  entry.context = &claimant.context();
  entry.failed_error = -EHOSTUNREACH;
  entry.reason = reason;
  model_.failed_log.add(entry);
  return -EHOSTUNREACH;
}

void ContextClaims::manager_installed(Context& context) {
  claims_[&context].granted = true;
  announce_to_all(context);
}

// managers.pml: die
void ContextClaims::manager_gone(Context& context) {
  Claim& claim = claims_[&context];
  claim.manager_told_to.clear();
  if (!std::exchange(claim.granted, false)) return;
  if (arbitrates()) {
    end_claim(context, model_.setup.host);
  } else {
    release(context);
  }
}

void ContextClaims::builtin_installed(Context& context) { announce_to_all(context); }

void ContextClaims::release(const Context& context) {
  if (by_store()) {
    model_.effects.release_claim(context.name());
  } else if (peers_.find(model_.setup.arbiter) != nullptr) {
    model_.effects.send(model_.setup.arbiter, peer::ContextReleased{.context = context.name()}, {});
  }
}

// ---- announcing ----

// managers.pml: announce
void ContextClaims::announce(Peer& peer, Context& context) {
  Claim& claim = claims_[&context];
  if (context.manager() != nullptr) {
    if (peer.host() == model_.setup.arbiter && !claim.granted) {
      ask(context);
    } else if (claim.granted && claim.manager_told_to.insert(peer.host()).second) {
      const WireNode node = exports_.give(peer, *context.manager(), RefKind::kStrong, nullptr);
      model_.effects.send(
          peer.host(),
          peer::ContextManager{.context = context.name(),
                               .node = node,
                               .euid = context.manager()->owner()->credentials().euid},
          {});
    }
  }
  if (context.builtin() != nullptr && claim.builtin_told_to.insert(peer.host()).second) {
    const WireNode node = exports_.give(peer, managers_.builtin_for(context, peer.host()),
                                        RefKind::kStrong, nullptr);
    model_.effects.send(peer.host(), peer::ServiceManager{.context = context.name(), .node = node},
                        {});
  }
}

void ContextClaims::announce_to_all(Context& context) {
  for (const auto& [host, peer] : peers_.all()) announce(*peer, context);
}

// managers.pml: connect
void ContextClaims::peer_connected(Peer& peer) {
  for (const auto& context : model_.contexts()) {
    if (!context->cluster_wide()) continue;
    const auto holder = holders_.holder(*context);
    if (holder) tell_holder(peer, *context, *holder, Holds::kYes);
    announce(peer, *context);
  }
}

// ---- claims ----

// managers.pml: decided
void ContextClaims::decided(Context& context, Decision decision, int refusal) {
  const bool granted = decision == Decision::kGranted;
  Claim& claim = claims_[&context];
  Thread* thread = std::exchange(claim.claimant, nullptr);
  if (thread == nullptr) {
    // The claimant is gone, or a standing claim was renewed.
    if (context.manager() == nullptr) {
      if (granted) release(context);
    } else if (!granted) {
      depose(context);
    } else {
      claim.granted = true;
      claim.manager_told_to.clear();
      announce_to_all(context);
    }
    return;
  }
  const ClaimingContext claiming = *thread->in<ClaimingContext>();
  int error = refusal;
  if (granted) {
    error = Managers::refuse(thread->process());
    if (error == 0) {
      managers_.install(thread->process(), claiming);
    } else {
      release(context);
    }
  }
  ioctls_.finish(*thread, error);
}

void ContextClaims::depose(Context& context) {
  Claim& claim = claims_[&context];
  claim.granted = false;
  claim.manager_told_to.clear();
  Node& node = *context.manager();
  Managers::depose(context);
  exports_.revoke(node);
}

void ContextClaims::handle(Peer& peer, const peer::ContextClaimResult& message) {
  Context* context = model_.find_context(message.context);
  if (context == nullptr) return;
  Claim& claim = claims_[context];
  if (claim.left.contains(peer.host())) {
    return answered_late(peer, *context, message.granted);
  }
  if (peer.host() != model_.setup.arbiter) return;
  if (claim.unanswered == 0) {
    model_.effects.give_up_peer(peer.host(), "an answer to a claim of a context that was not made");
    return;
  }
  if (--claim.unanswered > 0) return;
  if (message.other_list) {
    // A manager whose claim was to be renewed serves on; it is claimed anew when the lists are the
    // same.
    if (Thread* claimant = std::exchange(claim.claimant, nullptr)) {
      ioctls_.finish(*claimant, undecided(claimant->process(), kOtherList));
    }
    return;
  }
  decided(*context, message.granted ? Decision::kGranted : Decision::kDenied,
          message.forbidden ? -EPERM : -EBUSY);
}

// lists.pml: result_arrives
void ContextClaims::answered_late(const Peer& peer, const Context& context, bool granted) {
  Claim& claim = claims_[&context];
  const auto left = claim.left.find(peer.host());
  if (--left->second == 0) claim.left.erase(left);
  const bool asked_anew = peer.host() == model_.setup.arbiter && claim.unanswered > 0;
  if (!granted || asked_anew || context.manager() != nullptr) return;
  model_.effects.send(peer.host(), peer::ContextReleased{.context = context.name()}, {});
}

// ---- claims that a store decides ----

// stored_claims.pml: decided
void ContextClaims::answered(std::string_view name, ClaimAnswer answer) {
  Context* const context = model_.find_context(name);
  if (context == nullptr) return;
  Claim& claim = claims_[context];
  NB_CHECK(by_store() && claim.unanswered > 0);
  if (--claim.unanswered > 0) return;
  const bool granted = answer == ClaimAnswer::kGranted;
  decided(*context, granted ? Decision::kGranted : Decision::kDenied,
          answer == ClaimAnswer::kUnreachable ? -EHOSTUNREACH : -EBUSY);
}

// stored_claims.pml: stop
void ContextClaims::lost(std::string_view name) {
  Context* const context = model_.find_context(name);
  if (context != nullptr && claims_[context].granted) depose(*context);
}

// stored_claims.pml: watched
void ContextClaims::held(std::string_view name, std::optional<ClaimHolder> holder) {
  Context* const context = model_.find_context(name);
  if (context == nullptr || !context->cluster_wide()) return;
  const auto before = stored_.find(context);
  if (before != stored_.end()) {
    if (holder == before->second) return;
    const HostId host = before->second.host;
    stored_.erase(before);
    if (host != model_.setup.host) remote_managers_.denied(*context, host);
  }
  if (!holder) return;
  stored_.emplace(context, *holder);
  if (holder->host != model_.setup.host) {
    remote_managers_.confirmed(*context, holder->host, holder->incarnation);
  }
}

// ---- at the arbiter ----

ContextClaims::Decision ContextClaims::decide(Context& context, HostId host) {
  const Decision decision = holders_.claim(context, host);
  const bool granted = decision == Decision::kGranted;
  if (host != model_.setup.host) {
    if (granted) {
      remote_managers_.confirmed(context, host, peers_.find(host)->incarnation());
    } else {
      remote_managers_.denied(context, host);
    }
  }
  tell_holder(context, host, granted ? Holds::kYes : Holds::kNo);
  return decision;
}

void ContextClaims::end_claim(Context& context, HostId host) {
  if (holders_.holder(context) != host) return;
  holders_.end(context, host);
  if (host != model_.setup.host) remote_managers_.denied(context, host);
  tell_holder(context, host, Holds::kNo);
}

void ContextClaims::tell_holder(const Peer& peer, const Context& context, HostId holder,
                                Holds holds) {
  if (peer.host() == holder) return;
  const Peer* there = peers_.find(holder);
  model_.effects.send(
      peer.host(),
      peer::ContextHolder{
          .context = context.name(),
          .holder = holder,
          .incarnation = there != nullptr ? there->incarnation() : model_.setup.incarnation,
          .holds = holds == Holds::kYes},
      {});
}

void ContextClaims::tell_holder(Context& context, HostId holder, Holds holds) {
  for (const auto& [host, peer] : peers_.all()) tell_holder(*peer, context, holder, holds);
}

void ContextClaims::ask_whether_holds(const Peer& holder, const Context& context) {
  if (!holders_.is_taken_over(context) || !tells_lists(holder.version())) return;
  model_.effects.send(holder.host(),
                      peer::ContextHolder{.context = context.name(),
                                          .holder = holder.host(),
                                          .incarnation = holder.incarnation(),
                                          .holds = true},
                      {});
}

// lists.pml: holder_arrives
void ContextClaims::take_over(const Peer& peer, Context& context,
                              const peer::ContextHolder& message) {
  if (!lists_.is_older(peer.host()) || message.holder == model_.setup.host) return;
  if (!message.holds) {
    if (holders_.is_taken_over(context)) end_claim(context, message.holder);
    return;
  }
  const Peer* const holder = peers_.find(message.holder);
  if (holder == nullptr || holder->incarnation() != message.incarnation) return;
  if (!holders_.take_over(context, message.holder)) return;
  remote_managers_.confirmed(context, message.holder, message.incarnation);
  tell_holder(context, message.holder, Holds::kYes);
  ask_whether_holds(*holder, context);
}

bool ContextClaims::forbids(const Peer& peer, const Context& context, std::uint32_t euid) {
  const Subject subject{.host = peer.host(), .uid = model_.setup.user_here(peer.host(), euid)};
  return denies_managing(model_, context, subject, 0);
}

void ContextClaims::handle(Peer& peer, const peer::ClaimContext& message) {
  Context* context = model_.find_context(message.context);
  if (tells_lists(peer.version()) && message.list != ListNumber{} &&
      !(lists_.fits(message.list) && may_decide())) {
    model_.effects.send(
        peer.host(), peer::ContextClaimResult{.context = message.context, .other_list = true}, {});
    return;
  }
  const bool forbidden = context != nullptr && forbids(peer, *context, message.euid);
  if (forbidden && arbitrates()) end_claim(*context, peer.host());
  const bool granted = context != nullptr && context->cluster_wide() && arbitrates() &&
                       context->builtin_yields() && !forbidden &&
                       decide(*context, peer.host()) == Decision::kGranted;
  model_.effects.send(peer.host(),
                      peer::ContextClaimResult{
                          .context = message.context, .granted = granted, .forbidden = forbidden},
                      {});
}

void ContextClaims::handle(Peer& peer, const peer::ContextReleased& message) {
  if (Context* context = model_.find_context(message.context)) end_claim(*context, peer.host());
}

// ---- managers of other hosts ----

void ContextClaims::handle(Peer& peer, const peer::ContextHolder& message) {
  Context* context = model_.find_context(message.context);
  if (context == nullptr || !context->cluster_wide() || by_store()) return;
  if (arbitrates()) return take_over(peer, *context, message);
  if (peer.host() != model_.setup.arbiter) return;
  if (message.holder == model_.setup.host) {
    const bool over = context->manager() == nullptr && claims_[context].unanswered == 0;
    if (message.holds && over) release(*context);
    return;
  }
  if (message.holds) {
    remote_managers_.confirmed(*context, message.holder, message.incarnation);
  } else {
    remote_managers_.denied(*context, message.holder);
  }
}

Node* ContextClaims::announced_node(Peer& peer, const Context* context, const WireNode& wire) {
  if (wire.dead || !wire.strong || wire.node.host != peer.host()) {
    model_.effects.give_up_peer(peer.host(), "a manager that is no node of its host");
    return nullptr;
  }
  const auto node = imports_.receive(peer, wire);
  if (!node) {
    model_.effects.give_up_peer(peer.host(), node.error());
    return nullptr;
  }
  if (context != nullptr && context->cluster_wide()) return *node;
  model_.nodes.judge(**node);
  return nullptr;
}

void ContextClaims::handle(Peer& peer, const peer::ContextManager& message) {
  Context* context = model_.find_context(message.context);
  Node* const node = announced_node(peer, context, message.node);
  if (node == nullptr) return;
  if (!context->builtin_yields() || forbids(peer, *context, message.euid)) {
    model_.nodes.judge(*node);
  } else {
    remote_managers_.announced(*context, peer.host(), *node);
  }
}

void ContextClaims::handle(Peer& peer, const peer::ServiceManager& message) {
  const Context* context = model_.find_context(message.context);
  Node* node = announced_node(peer, context, message.node);
  if (node == nullptr) return;
  // It may be the node that was announced before, and nothing else may hold it.
  NodeHold held = NodeHold::strong(model_.nodes, *node);
  std::erase_if(new_managers_, [&](const NewManager& manager) {
    return manager.context == context && manager.host == peer.host();
  });
  new_managers_.push_back({.context = context, .host = peer.host(), .node = std::move(held)});
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
  remote_managers_.node_died(node);
}

// managers.pml: lost
void ContextClaims::peer_lost(const Peer& peer) {
  const bool arbiter = peer.host() == model_.setup.arbiter;
  for (const auto& context : model_.contexts()) {
    Claim& claim = claims_[context.get()];
    claim.builtin_told_to.erase(peer.host());
    claim.manager_told_to.erase(peer.host());
    claim.left.erase(peer.host());
    if (holders_.holder(*context) == peer.host()) {
      // Hosts that know its manager, and have not lost its host, keep using it.
      holders_.end(*context, peer.host());
      remote_managers_.denied(*context, peer.host());
    }
    if (!arbiter) continue;
    claim.granted = false;
    claim.unanswered = 0;
    if (Thread* claimant = std::exchange(claim.claimant, nullptr)) {
      ioctls_.finish(*claimant, -EHOSTUNREACH);
    }
  }
}

}  // namespace netbinder
