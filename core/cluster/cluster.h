// SPDX-License-Identifier: Apache-2.0
//
// The other hosts, as this host's driver knows them. Routes requests to them, and messages from
// them, to the class that owns the table concerned. Owned by the Driver.
//
// Thread: the driver's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/cluster/claim_waits.h"
#include "core/cluster/context_claims.h"
#include "core/cluster/exports.h"
#include "core/cluster/freeze_watches.h"
#include "core/cluster/host_lists.h"
#include "core/cluster/imports.h"
#include "core/cluster/introductions.h"
#include "core/cluster/leases.h"
#include "core/cluster/outgoing_calls.h"
#include "core/cluster/peer_calls.h"
#include "core/cluster/peers.h"
#include "core/cluster/placement.h"
#include "core/model/elsewhere.h"
#include "core/wire/version.h"

namespace netbinder {

class Cluster final : public Elsewhere {
 public:
  Cluster(Model& model, Ioctls& ioctls, Managers& managers, Calls& calls, CommandStream& commands);
  ~Cluster() override;

  // ---- sessions, and what comes over them ----
  void peer_connected(HostId host, Incarnation incarnation, std::string name,
                      WireVersion version = kNewestVersion);
  void peer_lost(HostId host);
  PayloadPlace payload_arriving(HostId host, const PeerMessage& message, LeaseId lease);
  void payload_abandoned(HostId host);
  void message_arrived(HostId host, PeerMessage message);
  std::optional<Lease> lease(HostId host, const LeaseRequest& request);
  void end_lease(HostId host, LeaseId lease);
  void timer_expired();
  // This host has another list of hosts: its number, and the arbiter that it names.
  void change_list(ListNumber list, HostId arbiter);
  // Nobody waits for hosts to connect any more.
  void stop_awaiting();

  [[nodiscard]] ContextClaims& claims() { return claims_; }
  [[nodiscard]] const ContextClaims& claims() const { return claims_; }
  [[nodiscard]] const HostLists& lists() const { return lists_; }
  [[nodiscard]] const Peers& peers() const { return peers_; }
  [[nodiscard]] const Exports& exports() const { return exports_; }
  [[nodiscard]] const Introductions& introductions() const { return introductions_; }
  [[nodiscard]] const Leases& leases() const { return leases_; }
  void check() const;

  // ---- Elsewhere ----
  CallOutcome call(Thread& thread, Node& node, const CallData& call,
                   TransactionLogEntry& entry) override;
  std::expected<void, BrError> reply(Thread& thread, const CallData& reply,
                                     Transaction& in_reply_to, TransactionLogEntry& entry) override;
  bool reply_waits(Thread& thread, const CallData& reply, const Transaction& call) override {
    return calls_.reply_waits(thread, reply, call);
  }
  void call_failed(const Transaction& call, const BrError& error) override;
  void call_ended(Transaction& call) override;
  [[nodiscard]] Thread* nested_target(std::span<const CallAncestor> ancestors,
                                      const Process& target) const override;
  [[nodiscard]] HostId called_host(const Transaction& call) const override;
  void give_back(Node& node) override;
  void node_ends(Node& node) override;
  void await_freeze_state(Thread& thread, Node& node) override;
  [[nodiscard]] bool claim_stands(const Context& context) const override;
  Outcome claim(Thread& thread, Context& context, const ClaimingContext& claim) override;
  void manager_installed(Context& context) override;
  void manager_gone(Context& context) override;
  void builtin_installed(Context& context) override;
  void thread_ends(Thread& thread) override;
  void process_ends(Process& process) override;

 private:
  // Ends the peer's session if it broke the protocol; `broken` says how, null: it did not.
  void judge(const Peer& peer, const char* broken);
  void imported_node_died(Node& node, const char* reason = nullptr);
  void home_did_not_come(Peer& home, Node& node, const char* reason);
  void stop_awaiting(Peer& home, const char* reason);
  void handle(Peer& peer, peer::Call& message) { calls_.handle(peer, message); }
  void handle(Peer& peer, peer::Reply& message) { calls_.handle(peer, message); }
  void handle(Peer& peer, peer::CallFailed& message) { calls_.handle(peer, message); }
  void handle(Peer& peer, peer::CallAccepted& message) { calls_.handle(peer, message); }
  void handle(Peer& peer, peer::ReleaseRefs& message);
  void handle(Peer& peer, peer::NodeDied& message);
  void handle(Peer& peer, peer::ClaimRef& message);
  void handle(Peer& peer, peer::ClaimResult& message);
  void handle(Peer& peer, peer::Introduce& message);
  void handle(Peer& peer, peer::RecipientLost& message) {
    introductions_.recipient_lost(peer, message.recipient);
  }
  void handle(Peer& peer, peer::AskIntroductions& /*message*/) {
    // Effects keep their order, so everything introduced so far is sent before this.
    model_.effects.send(peer.host(), peer::IntroductionsSent{}, {});
  }
  void handle(Peer& peer, peer::IntroductionsSent& message);
  void handle(Peer& peer, peer::WatchFreeze& message) { introductions_.watched(peer, message); }
  void handle(Peer& peer, peer::FreezeState& message) { freezes_.handle(peer, message); }
  void handle(Peer& peer, peer::ClaimContext& message) { claims_.handle(peer, message); }
  void handle(Peer& peer, peer::ContextClaimResult& message) { claims_.handle(peer, message); }
  void handle(Peer& peer, peer::ContextReleased& message) { claims_.handle(peer, message); }
  void handle(Peer& peer, peer::ContextHolder& message) { claims_.handle(peer, message); }
  void handle(Peer& peer, peer::ContextManager& message) { claims_.handle(peer, message); }
  void handle(Peer& peer, peer::ServiceManager& message) { claims_.handle(peer, message); }
  void handle(Peer& peer, peer::HostList& message);
  void handle(Peer& peer, peer::FileMessage& message);

  Model& model_;
  Peers peers_;
  Exports exports_;
  Introductions introductions_;
  Imports imports_;
  ClaimWaits waits_;
  OutgoingCalls outgoing_;
  Leases leases_;
  Placement placement_;
  PeerCalls calls_;
  FreezeWatches freezes_;
  HostLists lists_;
  ContextClaims claims_;
};

}  // namespace netbinder
