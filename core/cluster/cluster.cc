// SPDX-License-Identifier: Apache-2.0
#include "core/cluster/cluster.h"

#include <utility>

#include "core/base/check.h"

namespace netbinder {

Cluster::Cluster(Model& model, Ioctls& ioctls, Managers& managers, Calls& calls,
                 CommandStream& commands)
    : model_(model),
      exports_(model),
      introductions_(model, peers_, exports_),
      imports_(model, peers_),
      waits_(model, peers_, commands),
      outgoing_(model.setup.incarnation),
      leases_(model, outgoing_),
      placement_(model, outgoing_, leases_),
      calls_(model, calls, commands, exports_, imports_, outgoing_, placement_, waits_),
      freezes_(model, commands),
      lists_(model, peers_),
      claims_(model, ioctls, managers, peers_, lists_, exports_, imports_) {}

Cluster::~Cluster() { NB_CHECK(peers_.all().empty() && peers_.awaited().empty()); }

// ---- sessions ----

void Cluster::peer_connected(HostId host, Incarnation incarnation, std::string name,
                             WireVersion version) {
  NB_CHECK(peers_.find(host) == nullptr && host != model_.setup.host);
  std::vector<Peer*> former;
  for (const auto& [life, awaited] : peers_.awaited()) {
    if (life.first == host && life.second != incarnation) former.push_back(awaited.get());
  }
  for (Peer* awaited : former) stop_awaiting(*awaited, Imports::kStartedAgain);
  Peer& peer = peers_.add(host, incarnation, std::move(name), version);
  lists_.peer_connected(peer);
  imports_.send_claims(peer);
  freezes_.peer_connected(peer);
  claims_.peer_connected(peer);
}

// ---- hosts that have yet to connect ----

void Cluster::home_did_not_come(Peer& home, Node& node, const char* reason) {
  const NodeNumber number = node.number();
  Imports::drop_claims(node);
  imported_node_died(node, reason);
  waits_.answered(home, number);
  freezes_.node_lost(home, number);
}

void Cluster::stop_awaiting(Peer& home, const char* reason) {
  for (Node* node : Imports::in_order(home)) home_did_not_come(home, *node, reason);
  peers_.await_no_more(home);
}

void Cluster::stop_awaiting() {
  while (!peers_.awaited().empty()) {
    stop_awaiting(*peers_.awaited().begin()->second, "this host's agent ends");
  }
}

void Cluster::timer_expired() {
  introductions_.timer_expired();
  std::vector<Peer*> awaited;
  for (const auto& [life, peer] : peers_.awaited()) awaited.push_back(peer.get());
  for (Peer* peer : awaited) {
    for (Node* node : imports_.overdue(*peer)) {
      home_did_not_come(*peer, *node, "its host has not connected in time");
    }
    if (peer->claims().empty()) peers_.await_no_more(*peer);
  }
  if (!awaited.empty()) imports_.set_timer();
}

void Cluster::peer_lost(HostId host) {
  Peer* lost = peers_.find(host);
  if (lost == nullptr) return;
  Peer& peer = *lost;
  placement_.abandon(peer);
  leases_.peer_lost(peer);
  calls_.peer_lost(peer);
  introductions_.peer_lost(peer);
  Imports::drop_claims(peer);
  exports_.peer_lost(peer);
  for (Node* node : Imports::in_order(peer)) imported_node_died(*node);
  waits_.peer_lost(peer);
  freezes_.peer_lost(peer);
  lists_.peer_lost(peer);
  claims_.peer_lost(peer);
  peers_.remove(host);
  claims_.reconsider();
}

void Cluster::imported_node_died(Node& node, const char* reason) {
  const NodeHold while_told = NodeHold::weak(model_.nodes, node);
  imports_.lose(node, reason);
  claims_.node_died(node);
  model_.nodes.tell_death(node);
}

PayloadPlace Cluster::payload_arriving(HostId host, const PeerMessage& message, LeaseId lease) {
  Peer* peer = peers_.find(host);
  if (peer == nullptr) return {};
  return placement_.arriving(*peer, message, lease);
}

void Cluster::payload_abandoned(HostId host) {
  if (Peer* peer = peers_.find(host)) placement_.abandon(*peer);
}

std::optional<Lease> Cluster::lease(HostId host, const LeaseRequest& request) {
  Peer* peer = peers_.find(host);
  if (peer == nullptr) return std::nullopt;
  return leases_.lend(*peer, request);
}

void Cluster::end_lease(HostId host, LeaseId lease) {
  if (Peer* peer = peers_.find(host)) leases_.end(*peer, lease);
}

// ---- lists of hosts ----

void Cluster::change_list(ListNumber list, HostId arbiter) {
  if (list == model_.setup.list && arbiter == model_.setup.arbiter) return;
  const HostId before = model_.setup.arbiter;
  model_.setup.list = list;
  model_.setup.arbiter = arbiter;
  lists_.tell_all();
  claims_.list_changed(before);
}

void Cluster::handle(Peer& peer, peer::HostList& message) {
  const ListNumber before = lists_.of(peer.host());
  if (const char* const broken = lists_.told(peer, message)) return judge(peer, broken);
  claims_.list_told(peer, before);
}

// ---- messages ----

void Cluster::message_arrived(HostId host, PeerMessage message) {
  Peer* peer = peers_.find(host);
  if (peer == nullptr) return;
  std::visit([&](auto& content) { handle(*peer, content); }, message);
}

void Cluster::judge(const Peer& peer, const char* broken) {
  if (broken != nullptr) model_.effects.give_up_peer(peer.host(), broken);
}

void Cluster::handle(Peer& peer, peer::ReleaseRefs& message) {
  judge(peer, exports_.released(peer, message));
}

void Cluster::handle(Peer& peer, peer::ClaimRef& message) {
  judge(peer, introductions_.claimed(peer, message));
}

void Cluster::handle(Peer& peer, peer::Introduce& message) {
  judge(peer, introductions_.introduced(peer, message));
}

void Cluster::handle(Peer& peer, peer::IntroductionsSent& /*message*/) {
  judge(peer, introductions_.all_sent(peer));
}

void Cluster::handle(Peer& peer, peer::NodeDied& message) {
  // Claims of the node that are still under way will be answered with "dead". If the node is not
  // here, it has been given back since the peer sent this.
  if (Node* node = peer.find_imported(message.node)) imported_node_died(*node);
  waits_.answered(peer, message.node);
}

void Cluster::handle(Peer& peer, peer::ClaimResult& message) {
  const Imports::Answered answered = imports_.claim_answered(peer, message);
  if (answered.answer == Imports::Answer::kNodeDied) {
    imported_node_died(*answered.node);
  } else if (answered.answer == Imports::Answer::kUnknown) {
    model_.effects.give_up_peer(peer.host(), "an answer to a claim that was not made");
    return;
  }
  waits_.answered(peer, message.node);
}

void Cluster::handle(Peer& peer, peer::FileMessage& /*message*/) {
  model_.effects.give_up_peer(peer.host(),
                              "a message about a descriptor that the agent did not take");
}

// ---- Elsewhere ----

CallOutcome Cluster::call(Thread& thread, Node& node, const CallData& call,
                          TransactionLogEntry& entry) {
  return calls_.call(thread, node, call, entry);
}

std::expected<void, BrError> Cluster::reply(Thread& thread, const CallData& reply,
                                            Transaction& in_reply_to, TransactionLogEntry& entry) {
  return calls_.reply(thread, reply, in_reply_to, entry);
}

void Cluster::call_failed(const Transaction& call, const BrError& error) {
  calls_.tell_failure(call, error);
}

void Cluster::call_ended(Transaction& call) { calls_.forget(call); }

Thread* Cluster::nested_target(std::span<const CallAncestor> ancestors,
                               const Process& target) const {
  return outgoing_.nested_target(model_.setup.host, ancestors, target);
}

HostId Cluster::called_host(const Transaction& call) const {
  const OutgoingCalls::Call* made = outgoing_.find(call.own_call());
  return made != nullptr && made->peer != nullptr ? made->peer->host() : HostId{};
}

void Cluster::give_back(Node& node) { imports_.give_back(node); }

void Cluster::node_ends(Node& node) { imports_.node_ends(node); }

void Cluster::await_freeze_state(Thread& thread, Node& node) { freezes_.await(thread, node); }

bool Cluster::claim_stands(const Context& context) const { return claims_.stands(context); }

Outcome Cluster::claim(Thread& thread, Context& context, const ClaimingContext& claim) {
  return claims_.claim(thread, context, claim);
}

void Cluster::manager_installed(Context& context) { claims_.manager_installed(context); }

void Cluster::manager_gone(Context& context) { claims_.manager_gone(context); }

void Cluster::builtin_installed(Context& context) { claims_.builtin_installed(context); }

void Cluster::thread_ends(Thread& thread) {
  if (const auto* awaiting = thread.in<AwaitingAcceptance>()) {
    calls_.waiter_ends(awaiting->call);
  } else if (thread.in<AwaitingClaim>() != nullptr) {
    waits_.thread_ends(thread);
  } else if (thread.in<AwaitingFreezeState>() != nullptr) {
    freezes_.thread_ends(thread);
  } else if (thread.in<ClaimingContext>() != nullptr) {
    claims_.claimant_gone(thread.process().context());  // a grant that still comes is given back
  }
}

void Cluster::process_ends(Process& process) {
  leases_.process_ends(process);
  for (const auto& [host, peer] : peers_.all()) Placement::process_ends(*peer, process);
}

void Cluster::check() const {
  std::size_t leases = 0;
  for (const auto& [host, peer] : peers_.all()) {
    exports_.check(*peer);
    imports_.check(*peer);
    leases_.check(*peer);
    leases += peer->leases().size();
  }
  NB_CHECK(leases == leases_.count());
  for (const auto& [life, peer] : peers_.awaited()) {
    NB_CHECK(peers_.find(peer->host()) == nullptr && !peer->is_connected());
    NB_CHECK(!peer->claims().empty() && !peer->imported().empty());
    imports_.check(*peer);
  }
  introductions_.check();
}

}  // namespace netbinder
