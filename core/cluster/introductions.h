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
// or Void, or the introducer is lost. If the introduction has not come yet, the introducer is asked
// (AskIntroductions): when it has answered, what has not come will not come, and the claim is
// refused. So a claim waits as long as the link is slow, and no longer; for an introducer that does
// not answer, six times handoff_timeout_ms. Claims whose introductions wait for each other end
// after handoff_timeout_ms, and so do those whose introducer is of a version without questions.
//
// tests/models/ledgers.pml is a model of this class and of Imports.
#pragma once

#include <boost/container/flat_map.hpp>
#include <boost/intrusive/list.hpp>
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
  // The introducer answers that all that it had introduced when it was asked has been sent.
  const char* all_sent(const Peer& introducer);
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
  struct Claim {
    HostId claimant;
    NodeNumber node;
    RefKind kind = RefKind::kStrong;
  };
  // The claims of one handoff follow each other, in the order in which they came.
  struct ParkedKey {
    Handoff handoff;
    std::uint64_t serial = 0;
    friend auto operator<=>(const ParkedKey&, const ParkedKey&) = default;
  };
  // While its introduction has not come it is in a list of the question to its introducer.
  struct ParkedClaim : boost::intrusive::list_base_hook<
                           boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    ParkedClaim(ParkedKey made_key, Claim made_claim) : key(made_key), claim(made_claim) {}
    const ParkedKey key;
    const Claim claim;
    std::uint64_t deadline_ms = 0;
  };
  using Parked = std::map<ParkedKey, ParkedClaim>;
  using ClaimList =
      boost::intrusive::list<ParkedClaim, boost::intrusive::constant_time_size<false>>;
  // To one introducer. There is one question at a time, whatever others claim.
  struct Question {
    bool under_way = false;
    ClaimList asked;  // claims that its answer settles
    ClaimList later;  // claims that came after it was asked
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
  void answer(Peer& claimant, const Handoff& handoff, const Claim& claim);
  void tell(const Handoff& handoff, const Claim& claim, Answer answer);
  [[nodiscard]] bool parked(const Handoff& handoff) const;
  void park(const Handoff& handoff, const Claim& claim);
  // Whether the introducer, which is connected, knows such questions.
  [[nodiscard]] bool can_ask(HostId introducer) const;
  // The claim waits for the introducer's answer, to this question or to the next one.
  void ask(ParkedClaim& parked);
  // Ends the claim, and answers it by the state of its introduction.
  void serve(ParkedClaim& parked);
  // A parked claim has been answered: the requests that waited for it go on.
  void no_longer_parked(const Claim& claim);
  void end(const Handoff& handoff);
  void release_escrow(Introduction& introduction);
  // Ends these introductions after the timeout, if they are not claimed before.
  template <typename Which>
  void limit(const Which& which);
  void add_deadline(const Handoff& handoff, std::uint64_t deadline_ms);
  // The timer is always set for the earliest deadline, or earlier.
  void set_timer(std::uint64_t deadline_ms);
  // In so many times the timeout.
  [[nodiscard]] std::uint64_t deadline_ms(std::uint64_t times = 1) const;

  Model& model_;
  Peers& peers_;
  Exports& exports_;
  Pool<EscrowRef> pool_;
  boost::unordered_flat_map<Handoff, Introduction, HandoffHash> introductions_;
  Parked parked_;
  std::uint64_t next_serial_ = 0;
  std::map<HostId, Question> questions_;  // by introducer
  std::map<Claimed, Waiting> waiting_;
  boost::container::flat_map<HostId, std::size_t> of_peer_;  // introductions and parked claims
  std::deque<std::pair<std::uint64_t, Handoff>> deadlines_;  // some of these have ended
  std::uint64_t timer_ms_ = kNone;  // what the timer is set for
};

}  // namespace netbinder
