// SPDX-License-Identifier: Apache-2.0
//
// Managers of contexts of cluster scope. One host, the arbiter, decides claims (ContextHolders): a
// process becomes manager when the arbiter has recorded its host. The arbiter tells all hosts whose
// claim holds, and each host announces its own manager to all others; who has heard both uses it
// (RemoteManagers).
//
// A claim ends with the process or with its host's session with the arbiter. If a manager's host
// loses that session, the manager keeps serving the hosts that already know it. When the session
// returns, the claim is renewed, and if it is granted, announced again. If another claim was granted
// in between, the old manager is deposed: to other hosts its node has died, and it reads so itself.
//
// Of several claims that are unanswered only the last one's answer counts: the arbiter has decided
// the others before.
//
// Here as well: what built-in service managers of other hosts are known by. Owned by the Cluster.
// tests/models/managers.pml is a model of this class.
#pragma once

#include <boost/container/flat_map.hpp>
#include <set>
#include <string>
#include <vector>

#include "core/cluster/context_holders.h"
#include "core/cluster/exports.h"
#include "core/cluster/imports.h"
#include "core/cluster/remote_managers.h"

namespace netbinder {

class Ioctls;
class Managers;

// A peer's built-in manager, as this host's own one has it: with one strong reference.
struct PeerServiceManager {
  HostId host;
  Handle handle;
};

class ContextClaims {
 public:
  ContextClaims(Model& model, Ioctls& ioctls, Managers& managers, Peers& peers, Exports& exports,
                Imports& imports)
      : model_(model),
        ioctls_(ioctls),
        managers_(managers),
        peers_(peers),
        exports_(exports),
        imports_(imports),
        remote_managers_(model, peers) {}

  // ---- this host's programs (see Elsewhere) ----
  [[nodiscard]] bool stands(const Context& context) const;
  Outcome claim(Thread& thread, Context& context, const ClaimingContext& claim);
  void manager_installed(Context& context);
  void manager_gone(Context& context);
  void builtin_installed(Context& context);
  void claimant_gone(Context& context) { claims_[&context].claimant = nullptr; }

  // ---- peers ----
  void peer_connected(Peer& peer);
  void peer_lost(const Peer& peer);
  // An imported node has died: it manages nothing any more.
  void node_died(const Node& node);
  void handle(Peer& peer, const peer::ClaimContext& message);
  void handle(Peer& peer, const peer::ContextClaimResult& message);
  void handle(Peer& peer, const peer::ContextReleased& message);
  void handle(Peer& peer, const peer::ContextHolder& message);
  void handle(Peer& peer, const peer::ContextManager& message);
  void handle(Peer& peer, const peer::ServiceManager& message);

  // Built-in managers of peers that became known since the last call, for this host's own.
  std::vector<PeerServiceManager> take_new_peer_managers(Process& builtin);
  [[nodiscard]] bool has_new_peer_managers() const { return !new_managers_.empty(); }

 private:
  using Decision = ContextHolders::Decision;
  struct Claim {
    // The arbiter knows of the local manager, in this session with it. Peers hear of it then.
    bool granted = false;
    std::uint32_t unanswered = 0;  // claims that the arbiter has yet to answer
    Thread* claimant = nullptr;    // waits for the arbiter to decide the last of them
    // Peers that have been told, for as long as they are connected.
    std::set<HostId> manager_told_to;
    std::set<HostId> builtin_told_to;
  };
  struct NewManager {
    const Context* context;
    HostId host;
    NodeHold node;  // strong
  };

  [[nodiscard]] bool arbitrates() const { return model_.setup.arbiter == model_.setup.host; }
  // Asks the arbiter, which is there.
  void ask(Context& context);
  void announce(Peer& peer, Context& context);
  void announce_to_all(Context& context);
  // `refusal` is what the claimant gets if it was denied.
  void decided(Context& context, Decision decision, int refusal);
  void depose(Context& context);
  void release_at_arbiter(const Context& context);

  // ---- at the arbiter ----
  Decision decide(Context& context, HostId host);
  void end_claim(Context& context, HostId host);
  // Tells a peer, or all but the claimant, whose claim holds or does not.
  enum class Holds { kNo, kYes };
  void tell_holder(const Peer& peer, const Context& context, HostId holder, Holds holds);
  void tell_holder(Context& context, HostId holder, Holds holds);

  // Whether the policy of this host denies a program of that one, of a user there, the context.
  bool forbids(const Peer& peer, const Context& context, std::uint32_t euid);
  // The sender's own node that it announces; null: it is of no use here.
  Node* announced_node(Peer& peer, const Context* context, const WireNode& wire);

  Model& model_;
  Ioctls& ioctls_;
  Managers& managers_;
  Peers& peers_;
  Exports& exports_;
  Imports& imports_;
  RemoteManagers remote_managers_;
  ContextHolders holders_;  // at the arbiter only
  boost::container::flat_map<const Context*, Claim> claims_;
  std::vector<NewManager> new_managers_;
};

}  // namespace netbinder
