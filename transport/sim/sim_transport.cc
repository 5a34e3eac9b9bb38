// SPDX-License-Identifier: Apache-2.0
#include "transport/sim/sim_transport.h"

#include <algorithm>
#include <stdexcept>

#include "core/base/check.h"
#include "transport/codec.h"
#include "transport/sim/peer_link.h"

namespace netbinder {

SimTransport::SimTransport(sim::Network& network, TransportConfig config, PeerEvents& events,
                           sim::Observer& observer)
    : environment_{
          .network = network, .config = std::move(config), .events = events, .observer = observer} {
  for (const PeerConfig& peer : environment_.config.peers) {
    if (peer.id.value() == 0 || peer.id == environment_.config.host || by_host_.contains(peer.id)) {
      throw std::invalid_argument("host id " + std::to_string(peer.id.value()) +
                                  " is not that of one other host");
    }
    links_.push_back(std::make_shared<sim::PeerLink>(environment_, peer));
    by_host_.emplace(peer.id, links_.back().get());
  }
}

SimTransport::~SimTransport() {
  for (auto& link : links_) link->stop();
  environment_.network.detach(environment_.config.host, *this);
}

void SimTransport::start() {
  environment_.network.attach(environment_.config.host, *this,
                              environment_.config.rdma.use != RdmaUse::kNever);
  for (auto& link : links_) link->start();
}

sim::PeerLink* SimTransport::find(HostId peer) const {
  const auto found = by_host_.find(peer);
  return found == by_host_.end() ? nullptr : found->second;
}

// ---- the agent ----

Payload SimTransport::new_payload(HostId /*peer*/, std::uint64_t bytes) {
  Payload payload = Payload::allocate(bytes);
  std::ranges::fill(payload.bytes(), std::byte{0xA5});  // as of an earlier payload
  return payload;
}

void SimTransport::send(HostId peer, PeerMessage message, Payload payload) {
  sim::PeerLink* link = find(peer);
  if (link == nullptr) return;
  link->send(message, std::move(payload));
  if (std::ranges::find(to_flush_, link) == to_flush_.end()) to_flush_.push_back(link);
}

void SimTransport::flush() {
  for (sim::PeerLink* link : to_flush_) link->flush();
  to_flush_.clear();
}

void SimTransport::memory_ends(std::span<std::byte> arena) {
  for (auto& link : links_) link->memory_ends(arena);
}

void SimTransport::give_up(HostId peer, const std::string& reason) {
  if (sim::PeerLink* link = find(peer)) link->give_up(reason);
}

std::vector<LinkStatus> SimTransport::status() const {
  std::vector<LinkStatus> status;
  for (const auto& link : links_) status.push_back(link->status());
  return status;
}

// ---- tests ----

void SimTransport::set_stalled(bool stalled) {
  environment_.stalled = stalled;
  environment_.network.clog(environment_.config.host, stalled);
  if (stalled) return;
  for (auto& link : links_) link->settle();
}

SessionId SimTransport::session(HostId peer) const { return find(peer)->session().id(); }

const std::string& SimTransport::loss_reason(HostId peer) const {
  return find(peer)->session().loss_reason();
}

std::size_t SimTransport::lent() const {
  std::size_t lent = 0;
  for (const auto& link : links_) lent += link->lent();
  return lent;
}

// ---- the network ----

void SimTransport::dialled(HostId peer, const sim::ConnectionPtr& connection) {
  find(peer)->dialled(connection);
}

bool SimTransport::head_arrived(const sim::ConnectionPtr& connection, std::size_t side,
                                const OutgoingFrame& frame, LeaseId lease) {
  if (sim::PeerLink* link = find(*connection, side)) {
    return link->head_arrived(connection, side, frame, lease);
  }
  const frame::Refuse refuse{
      .reason = RefuseReason::kUnknownHost,
      .detail =
          "no host " + std::to_string(connection->hosts[1 - side].value()) + " is configured here"};
  environment_.network.write(connection, side, make_control_frame(refuse));
  environment_.network.close(connection, side);
  return false;
}

void SimTransport::payload_arrived(const sim::ConnectionPtr& connection, std::size_t side,
                                   const OutgoingFrame& frame) {
  find(*connection, side)->payload_arrived(connection, frame);
}

void SimTransport::broken(const sim::ConnectionPtr& connection, std::size_t side) {
  if (sim::PeerLink* link = find(*connection, side)) {
    link->broken(connection, side);
  } else {
    environment_.network.close(connection, side);
  }
}

void SimTransport::writable(const sim::ConnectionPtr& connection, std::size_t side) {
  if (sim::PeerLink* link = find(*connection, side)) link->writable(connection);
}

void SimTransport::device_says(const sim::ConnectionPtr& connection, std::size_t side,
                               const sim::DeviceMessage& message) {
  find(*connection, side)->device_says(connection, message);
}

void SimTransport::device_writes(const sim::ConnectionPtr& connection, std::size_t side,
                                 LeaseId lease, std::span<const std::byte> bytes) {
  find(*connection, side)->device_writes(connection, lease, bytes);
}

}  // namespace netbinder
