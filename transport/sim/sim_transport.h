// SPDX-License-Identifier: Apache-2.0
//
// The transport over a simulated network, in simulated time. Sessions and codec are the real ones.
// If both hosts have a device (the configuration allows RDMA), some payloads go by lease. For
// tests.
//
// Everything arrives by the event queue, so poll() and arm() have nothing to look for. All
// behaviour depends on the network's source of chance, never on addresses. Destroying it says
// goodbye to every peer (unless the host has left the network already), calls no event, and leaves
// nothing in the event queue that touches it. It must not be destroyed from inside an event.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "transport/config.h"
#include "transport/sim/environment.h"
#include "transport/sim/network.h"
#include "transport/sim/observer.h"
#include "transport/transport.h"

namespace netbinder {

namespace sim {
class PeerLink;
}

class SimTransport final : public Transport, private sim::NetworkHost {
 public:
  // The network, the events and the observer must outlive it. Throws std::invalid_argument if a
  // peer has the number of another host.
  SimTransport(sim::Network& network, TransportConfig config, PeerEvents& events,
               sim::Observer& observer);
  ~SimTransport() override;
  SimTransport(const SimTransport&) = delete;
  SimTransport& operator=(const SimTransport&) = delete;

  void start() override;
  [[nodiscard]] Payload new_payload(HostId peer, std::uint64_t bytes) override;
  void send(HostId peer, PeerMessage message, Payload payload) override;
  void flush() override;
  void memory_ends(std::span<std::byte> arena) override;
  void give_up(HostId peer, const std::string& reason) override;
  [[nodiscard]] std::vector<LinkStatus> status() const override;

  // ---- faults ----
  // The process of a stalled host does not run: it reads nothing, and does nothing that is due.
  void set_stalled(bool stalled);
  [[nodiscard]] bool stalled() const { return environment_.stalled; }

  // ---- looking, for tests ----
  // The id that both ends use; 0 without a session.
  [[nodiscard]] SessionId session(HostId peer) const;
  // Why the last lost session was lost.
  [[nodiscard]] const std::string& loss_reason(HostId peer) const;
  // How many leases peers have of this host.
  [[nodiscard]] std::size_t lent() const;

 private:
  void dialled(HostId peer, const sim::ConnectionPtr& connection) override;
  bool head_arrived(const sim::ConnectionPtr& connection, std::size_t side,
                    const OutgoingFrame& frame, LeaseId lease) override;
  void payload_arrived(const sim::ConnectionPtr& connection, std::size_t side,
                       const OutgoingFrame& frame) override;
  void broken(const sim::ConnectionPtr& connection, std::size_t side) override;
  void writable(const sim::ConnectionPtr& connection, std::size_t side) override;
  void device_says(const sim::ConnectionPtr& connection, std::size_t side,
                   const sim::DeviceMessage& message) override;
  void device_writes(const sim::ConnectionPtr& connection, std::size_t side, LeaseId lease,
                     std::span<const std::byte> bytes) override;

  [[nodiscard]] sim::PeerLink* find(HostId peer) const;
  // The link to the other end of a connection; null if that host is not known here.
  [[nodiscard]] sim::PeerLink* find(const sim::Connection& connection, std::size_t side) const {
    return find(connection.hosts[1 - side]);
  }

  sim::Environment environment_;
  std::vector<std::shared_ptr<sim::PeerLink>> links_;  // as configured
  std::unordered_map<HostId, sim::PeerLink*> by_host_;
  std::vector<sim::PeerLink*> to_flush_;
};

}  // namespace netbinder
