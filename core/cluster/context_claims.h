// SPDX-License-Identifier: Apache-2.0
//
// Managers of contexts of cluster scope. One host, the arbiter, decides claims (ContextHolders): a
// process becomes manager when the arbiter has recorded its host. The arbiter tells all hosts whose
// claim holds, and each host announces its own manager to all others. A host that has received both
// messages uses that manager (RemoteManagers).
//
// A claim ends with the process or with its host's session with the arbiter. If a manager's host
// loses that session, the manager keeps serving the hosts that already know it. When the session
// returns, the claim is renewed, and if it is granted, announced again. If another claim was
// granted in between, the old manager is deposed: for other hosts its node has died, and it reads
// BR_ERROR.
//
// If several claims of a host are unanswered, only the answer to the last one counts: the arbiter
// has decided the earlier ones before it.
//
// Lists of hosts may be numbered (HostLists). Then the arbiter can change while all agents run,
// host by host: claims carry the number of the list under which they are made, and the arbiter
// decides those of its own number only, while it knows of no newer list and every peer knows of its
// list. So the arbiter of the older list stops before the one of the newer begins. The latter takes
// over what the former has told of its grants, and every host claims anew for its manager as soon
// as it and the new arbiter have the same list. Until then managers serve on, as while the arbiter
// is away. A claim without a number is decided as if lists had none.
//
// If a store decides (ClaimsBy::kStore), there is no arbiter: a claim is asked of the store, which
// also tells every host who holds it, and a manager is used by others as soon as both the store and
// its host have said so. A claim that the store may soon give to another host is lost: its manager
// is deposed, whether or not another one is there.
//
// This class also announces the built-in service managers of hosts to each other. Owned by the
// Cluster. tests/models/managers.pml and lists.pml are models of this class.
#pragma once

#include <boost/container/flat_map.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/peer_service_manager.h"
#include "core/cluster/context_holders.h"
#include "core/cluster/exports.h"
#include "core/cluster/host_lists.h"
#include "core/cluster/imports.h"
#include "core/cluster/remote_managers.h"

namespace netbinder {

class Ioctls;
class Managers;

class ContextClaims {
 public:
  ContextClaims(Model& model, Ioctls& ioctls, Managers& managers, Peers& peers, HostLists& lists,
                Exports& exports, Imports& imports)
      : model_(model),
        ioctls_(ioctls),
        managers_(managers),
        peers_(peers),
        lists_(lists),
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

  // ---- the store (see Driver) ----
  void answered(std::string_view context, ClaimAnswer answer);
  void lost(std::string_view context);
  void held(std::string_view context, std::optional<ClaimHolder> holder);

  // ---- lists of hosts ----
  // This host's list has changed. `before` was the arbiter by the former one.
  void list_changed(HostId before);
  // A peer has told the numbers that it has; that of its list was `before`.
  void list_told(Peer& peer, ListNumber before);
  // A host that did not know of this host's list may be gone.
  void reconsider();

  // ---- peers ----
  void peer_connected(Peer& peer);
  void peer_lost(const Peer& peer);
  // An imported node has died. It manages no context any more.
  void node_died(const Node& node);
  void handle(Peer& peer, const peer::ClaimContext& message);
  void handle(Peer& peer, const peer::ContextClaimResult& message);
  void handle(Peer& peer, const peer::ContextReleased& message);
  void handle(Peer& peer, const peer::ContextHolder& message);
  void handle(Peer& peer, const peer::ContextManager& message);
  void handle(Peer& peer, const peer::ServiceManager& message);

  // Peers' built-in managers that became known since the last call, for this host's own one.
  std::vector<PeerServiceManager> take_new_peer_managers(Process& builtin);
  [[nodiscard]] bool has_new_peer_managers() const { return !new_managers_.empty(); }

 private:
  using Decision = ContextHolders::Decision;
  struct Claim {
    // The arbiter has granted it in this session. Only then are peers told of the manager.
    bool granted = false;
    std::uint32_t unanswered = 0;  // claims that the arbiter has yet to answer
    // Claims that were made to an earlier arbiter, which has yet to answer. Nobody waits for these.
    boost::container::flat_map<HostId, std::uint32_t> left;
    Thread* claimant = nullptr;    // waits until the arbiter has decided the last of them
    // The peers that have been told. A peer is removed when its session ends.
    std::set<HostId> manager_told_to;
    std::set<HostId> builtin_told_to;
  };
  struct NewManager {
    const Context* context;
    HostId host;
    NodeHold node;  // strong
  };

  [[nodiscard]] bool arbitrates() const { return model_.setup.arbiter == model_.setup.host; }
  [[nodiscard]] bool by_store() const { return model_.setup.claims_by == ClaimsBy::kStore; }
  // Sends a claim to the arbiter, whose session is up, or asks the store.
  void ask(Context& context);
  void announce(Peer& peer, Context& context);
  void announce_to_all(Context& context);
  // `refusal` is what the claimant gets if it was denied.
  void decided(Context& context, Decision decision, int refusal);
  void depose(Context& context);
  void release(const Context& context);
  // An answer to a claim that nobody waits for, as the arbiter has changed.
  void answered_late(const Peer& peer, const Context& context, bool granted);
  // Claims anew for the managers of this host whose claims are not granted.
  void renew();
  void arbiter_moved(Context& context, HostId before);
  // Why a claim was not decided: in the log of failed calls. Returns the error.
  int undecided(const Process& claimant, const char* reason);

  // ---- at the arbiter ----
  Decision decide(Context& context, HostId host);
  [[nodiscard]] bool may_decide() const { return lists_.is_newest() && lists_.is_known_to_peers(); }
  // Takes over a claim that the arbiter of an older list granted.
  void take_over(const Peer& peer, Context& context, const peer::ContextHolder& message);
  // Tells a peer of every claim that holds, and asks about its own that were taken over.
  void tell_holders(const Peer& peer);
  void ask_whether_holds(const Peer& holder, const Context& context);
  void end_claim(Context& context, HostId host);
  // Tells one peer, or all but the host itself, whether the claim of the host `holder` holds.
  enum class Holds { kNo, kYes };
  void tell_holder(const Peer& peer, const Context& context, HostId holder, Holds holds);
  void tell_holder(Context& context, HostId holder, Holds holds);

  // Whether the policy of this host denies a program of that one, of a user there, the context.
  bool forbids(const Peer& peer, const Context& context, std::uint32_t euid);
  // The sender's own node that it announces; null if it cannot be used here.
  Node* announced_node(Peer& peer, const Context* context, const WireNode& wire);

  Model& model_;
  Ioctls& ioctls_;
  Managers& managers_;
  Peers& peers_;
  HostLists& lists_;
  Exports& exports_;
  Imports& imports_;
  RemoteManagers remote_managers_;
  ContextHolders holders_;  // at the arbiter only
  bool decides_ = true;     // may_decide() at the last event of a list
  boost::container::flat_map<const Context*, ClaimHolder> stored_;  // the store's, as far as it is known
  boost::container::flat_map<const Context*, Claim> claims_;
  std::vector<NewManager> new_managers_;
};

}  // namespace netbinder
