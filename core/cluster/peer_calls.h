// SPDX-License-Identifier: Apache-2.0
//
// Calls to and from other hosts, and how both end. Owned by the Cluster.
//
// A call from here:
//   sent -> accepted       oneway, which ends so; or synchronous, and its thread had asked for this
//   sent -> replied        a synchronous call whose thread had not asked, or after accepted
//   sent -> failed         it was not queued; or, after accepted, it has ended without a reply
// No edge leads on from failed or replied: a later message with that number breaks the protocol, or
// belongs to a call whose thread is gone.
#pragma once

#include "core/cluster/claim_waits.h"
#include "core/cluster/exports.h"
#include "core/cluster/imports.h"
#include "core/cluster/placement.h"
#include "core/model/elsewhere.h"

namespace netbinder {

class Calls;
class CommandStream;

class PeerCalls {
 public:
  PeerCalls(Model& model, Calls& calls, CommandStream& commands, Exports& exports, Imports& imports,
            OutgoingCalls& outgoing, Placement& placement, ClaimWaits& waits)
      : model_(model),
        calls_(calls),
        commands_(commands),
        exports_(exports),
        imports_(imports),
        outgoing_(outgoing),
        placement_(placement),
        waits_(waits) {}

  // ---- from here ----
  CallOutcome call(Thread& thread, Node& node, const CallData& call, TransactionLogEntry& entry);
  bool reply_waits(Thread& thread, const CallData& reply, const Transaction& call) {
    return waits_.wait(thread, *call.remote_caller()->peer, nullptr, reply);
  }
  std::expected<void, BrError> reply(Thread& thread, const CallData& reply,
                                     Transaction& in_reply_to, TransactionLogEntry& entry);
  void tell_failure(const Transaction& call, const BrError& error);
  void forget(Transaction& call);
  // A thread that waits for its call to be accepted ends.
  void waiter_ends(CallId call);

  // ---- messages ----
  void handle(Peer& peer, peer::Call& message);
  void handle(Peer& peer, peer::Reply& message);
  void handle(Peer& peer, peer::CallFailed& message);
  void handle(Peer& peer, peer::CallAccepted& message);

  // Calls from the peer go on, though nobody can be answered; calls to the peer have failed.
  void peer_lost(Peer& peer);

 private:
  enum class Queued { kNo, kYes };

  TransactionLogEntry log_entry(const Peer& from, TransactionLogEntry::Kind kind,
                                const PayloadShape& shape);
  std::expected<std::uint32_t, BrError> accept(Peer& peer, peer::Call& message,
                                               PlacedPayload payload,
                                               const TransactionLogEntry& entry);
  // The entry of a oneway call from here, whose caller waits until it is accepted.
  static TransactionLogEntry entry_of(const OutgoingCalls::Call& oneway, const Thread& caller);
  void end_outgoing(CallId id, const BrError& error, Queued queued);
  // Whether the caller is still in the ioctl that made the call.
  [[nodiscard]] static bool waits_in(const Transaction& call);
  void give_up(const Peer& peer, const char* reason);

  Model& model_;
  Calls& calls_;
  CommandStream& commands_;
  Exports& exports_;
  Imports& imports_;
  OutgoingCalls& outgoing_;
  Placement& placement_;
  ClaimWaits& waits_;
};

}  // namespace netbinder
