// SPDX-License-Identifier: Apache-2.0
//
// Stands between a NodeHost and its SimTransport. It sees every message and event both ways, judges
// them by a model of its own (the shadows of sessions, the leases that were given), notes them in
// the trace, and does wrong on purpose if a test asks for it. Everything else goes through
// unchanged.
//
// It also surrounds each event of the transport as the agent's loop does: it sets the time before,
// and flushes after.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "tests/sim/shadow.h"
#include "transport/sim/observer.h"
#include "transport/sim/sim_transport.h"
#include "transport/transport.h"

namespace netbinder::sim {

class SimHost;
class World;

class WatchedTransport final : public Transport, private PeerEvents, private Observer {
 public:
  WatchedTransport(World& world, SimHost& host, TransportConfig config);

  // ---- Transport, for the NodeHost ----
  void start() override { transport_.start(); }
  [[nodiscard]] Payload new_payload(HostId peer, std::uint64_t bytes) override {
    return transport_.new_payload(peer, bytes);
  }
  void send(HostId peer, PeerMessage message, Payload payload) override;
  void flush() override { transport_.flush(); }
  void memory_ends(std::span<std::byte> arena) override { transport_.memory_ends(arena); }
  void give_up(HostId peer, const std::string& reason) override {
    transport_.give_up(peer, reason);
  }
  [[nodiscard]] std::vector<LinkStatus> status() const override { return transport_.status(); }

  // ---- for the simulation ----
  // The host ends like a killed agent: from here on, nothing it sends is delivered.
  void end();
  // The session with a peer, as this end sees it; null without one.
  [[nodiscard]] ShadowPtr shadow(HostId peer) const;
  void set_stalled(bool stalled) { transport_.set_stalled(stalled); }
  [[nodiscard]] bool stalled() const { return transport_.stalled(); }
  // Checks that the core's leases are the ones that peers were given.
  void check_leases() const;

 private:
  // The state that is kept of a peer, apart from the transport's.
  struct Peer {
    ShadowPtr shadow;        // of the session; null without one
    std::set<LeaseId> lent;  // to it, over its present link, and not ended
    // The place for the payload of the message that is arriving.
    PayloadDestination arriving;
  };

  // ---- PeerEvents ----
  void session_established(HostId peer, Incarnation incarnation, WireVersion version) override;
  void session_lost(HostId peer) override;
  PayloadDestination payload_arriving(HostId peer, const PeerMessage& message,
                                      std::uint64_t payload_bytes, LeaseId lease) override;
  void payload_abandoned(HostId peer, const PeerMessage& message) override;
  void message_arrived(HostId peer, PeerMessage message) override;
  std::optional<LeasedPlace> lease_wanted(HostId peer, const LeaseRequest& request) override;
  void lease_ended(HostId peer, LeaseId lease) override;

  // ---- Observer ----
  void link_lost(HostId peer) override;
  void device_writes(HostId peer, std::span<const std::byte> place) override;
  void protocol_broken(HostId peer, const std::string& how) override;

  Peer& peer(HostId id) { return peers_[id]; }

  World& world_;
  SimHost& host_;
  HostId id_;
  bool gone_ = false;
  std::map<HostId, Peer> peers_;
  SimTransport transport_;
};

}  // namespace netbinder::sim
