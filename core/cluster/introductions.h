// SPDX-License-Identifier: Apache-2.0
//
// References to nodes of this host that one peer passes on to another. The introducer tells us of
// each (Introduce), and one reference is kept in escrow, so that the node stays alive even if we
// lose the introducer; the recipient claims it (ClaimRef). The claim must match: a peer gets only
// what a holder has given it. Owned by the Cluster.
//
// An introduction is   Waiting   its introducer has claimed the node itself, and is yet to be answered
//                      Held      there is a reference in escrow
//                      Void      the introducer did not hold it, or the node has died
// and ends with the recipient's claim. An unclaimed one ends DriverSetup::handoff_timeout_ms after
// one of the three hosts has lost another, as it may be under way until then; after six times that
// in any case. A claim that comes before its introduction is decided is parked until that is Held
// or Void, or the introducer is lost, for handoff_timeout_ms at most.
//
// tests/models/ledgers.pml is a model of this class and of Imports.
#pragma once

#include <boost/container/flat_map.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "core/base/pool.h"
#include "core/cluster/exports.h"
#include "core/cluster/peers.h"

namespace netbinder {

// Each introducer numbers its references by itself, so it takes both fields to name one.
struct Handoff {
  HostId introducer;
  HandoffId id;
  friend auto operator<=>(const Handoff&, const Handoff&) = default;
};

class Introductions;

// The one reference that is kept for a handoff.
class EscrowRef final : public Ref {
 public:
  EscrowRef(Introductions& table, Handoff handoff, Node& node, std::uint32_t debug_id)
      : Ref(node, debug_id), table_(table), handoff_(handoff) {}

  void node_died() override { destroy(); }
  void owner_froze(bool /*frozen*/) override {}
  void destroy() override;

 private:
  Introductions& table_;
  const Handoff handoff_;
};

class Introductions {
 public:
  // The most that one peer may have under way at a time. A peer that exceeds it loses its session.
  static constexpr std::size_t kMaxOfPeer = 1U << 18;

  Introductions(Model& model, Peers& peers, Exports& exports)
      : model_(model), peers_(peers), exports_(exports) {}

  // ---- messages ----
  // Null, or how the peer broke the protocol.
  const char* introduced(Peer& introducer, const peer::Introduce& message);
  const char* claimed(Peer& claimant, const peer::ClaimRef& message);
  void recipient_lost(Peer& introducer, HostId recipient);
  // The peer wants to know whether the node is frozen. If its claim of the node is parked, this
  // request is answered after the claim is.
  void watched(Peer& peer, const peer::WatchFreeze& message);

  // The session with the peer is over: its claims and undecided introductions end. References in
  // escrow stay.
  void peer_lost(Peer& peer);
  // Ends introductions and parked claims whose time is over.
  void timer_expired();

  [[nodiscard]] std::size_t live() const { return pool_.live(); }
  [[nodiscard]] std::size_t parked() const { return parked_.size(); }
  void check() const;

 private:
  friend class EscrowRef;

  static constexpr std::uint64_t kNone = UINT64_MAX;

  enum class State : std::uint8_t { kWaiting, kHeld, kVoid };
  struct Introduction {
    NodeNumber node;
    RefKind kind = RefKind::kStrong;
    HostId recipient;
    State state = State::kWaiting;
    EscrowRef* escrow = nullptr;  // while held
    std::uint64_t deadline_ms = kNone;
  };
  struct ParkedClaim {
    HostId claimant;
    NodeNumber node;
    RefKind kind = RefKind::kStrong;
    std::uint64_t deadline_ms = 0;
  };
  // The requests that wait for a peer's parked claims of one node to be answered.
  struct Waiting {
    std::uint32_t claims = 0;
    std::uint32_t strong_claims = 0;  // among them
    bool watches = false;
    std::vector<HandoffId> introductions;  // of the peer, as a holder of the node
  };
  using Claimed = std::pair<HostId, NodeNumber>;  // the claimant, and the node
  struct HandoffHash {
    std::size_t operator()(const Handoff& handoff) const noexcept {
      return std::hash<std::uint64_t>{}(handoff.id.value() ^ handoff.introducer.value());
    }
  };
  enum class Answer : std::uint8_t { kNothing, kCounted };

  void decide(Peer& introducer, HandoffId id);
  void serve_parked(const Handoff& handoff);
  // Ends the introduction, if it is the claimant's.
  void answer(Peer& claimant, const Handoff& handoff, NodeNumber node, RefKind kind);
  void tell(const Peer& claimant, const Handoff& handoff, NodeNumber node, RefKind kind,
            Answer answer);
  void park(const Peer& claimant, const Handoff& handoff, NodeNumber node, RefKind kind);
  // A parked claim has been answered: the requests that waited for it go on.
  void no_longer_parked(const Claimed& claimed, RefKind kind);
  void end(const Handoff& handoff);
  void release_escrow(Introduction& introduction);
  // Ends these introductions after the timeout, if they are not claimed before.
  template <typename Which>
  void limit(const Which& which);
  void add_deadline(const Handoff& handoff, std::uint64_t deadline_ms);
  void set_timer();
  [[nodiscard]] std::uint64_t deadline_ms() const;

  Model& model_;
  Peers& peers_;
  Exports& exports_;
  Pool<EscrowRef> pool_;
  boost::unordered_flat_map<Handoff, Introduction, HandoffHash> introductions_;
  std::multimap<Handoff, ParkedClaim> parked_;
  std::map<Claimed, Waiting> waiting_;
  boost::container::flat_map<HostId, std::size_t> of_peer_;  // introductions and parked claims
  std::deque<std::pair<std::uint64_t, Handoff>> deadlines_;  // some of these have ended
  bool timer_set_ = false;
};

}  // namespace netbinder
