// SPDX-License-Identifier: Apache-2.0
//
// One peer in the simulated network: its Session, the connection that carries it at the moment, the
// device beside that, and, on the end that dials, the attempts to connect. The counterpart of
// transport/tcp/peer_link.h.
//
// Owned by the SimTransport by shared_ptr; entries of the event queue hold weak ones.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "transport/acceptance.h"
#include "transport/session.h"
#include "transport/sim/environment.h"
#include "transport/sim/link_device.h"

namespace netbinder::sim {

class PeerLink : public std::enable_shared_from_this<PeerLink> {
 public:
  PeerLink(Environment& environment, const PeerConfig& peer);

  void start();
  // Says goodbye if there is a link. No event follows.
  void stop();

  // ---- called by the agent ----
  void send(const PeerMessage& message, Payload payload);
  void flush() { pump(); }
  void memory_ends(std::span<std::byte> arena);
  void give_up(const std::string& reason);
  [[nodiscard]] LinkStatus status() const;

  // ---- called by the network ---- [events]
  void dialled(const ConnectionPtr& connection);
  bool head_arrived(const ConnectionPtr& connection, std::size_t side, const OutgoingFrame& frame,
                    LeaseId lease);
  void payload_arrived(const ConnectionPtr& connection, const OutgoingFrame& frame);
  void broken(const ConnectionPtr& connection, std::size_t side);
  void writable(const ConnectionPtr& connection);
  void device_says(const ConnectionPtr& connection, const DeviceMessage& message);
  void device_writes(const ConnectionPtr& connection, LeaseId lease,
                     std::span<const std::byte> bytes);
  // Does what is due, and writes what is queued. [events]
  void settle();

  [[nodiscard]] const Session& session() const { return session_; }
  [[nodiscard]] std::size_t lent() const { return device_ ? device_->lent() : 0; }

 private:
  void dial_later();
  // Something other than the present link's has come.
  void handshake_arrived(const ConnectionPtr& connection, std::size_t side, const Frame& frame);
  void accept(const ConnectionPtr& connection, std::size_t side, const Acceptance& acceptance);
  void refuse(const ConnectionPtr& connection, std::size_t side, const frame::Refuse& why);
  void open(const ConnectionPtr& connection, std::size_t side);
  // The payload is in its place already; the lease ends.
  void leased_message_arrived(Frame message, std::uint64_t payload_bytes, LeaseId lease);
  void protocol_broken(const ConnectionPtr& connection, std::size_t side, const std::string& how);
  void drop();
  void pump();
  void write(std::shared_ptr<const OutgoingFrame> frame, LeaseId lease);
  void arm_timer();

  Environment& environment_;
  // The peer's connections that shake hands, the oldest first.
  struct Pending {
    ConnectionPtr connection;
    Acceptance acceptance;
  };
  static constexpr std::size_t kMaxPending = 8;

  const PeerConfig peer_;
  Session session_;
  std::vector<Pending> pending_;
  ConnectionPtr connection_;
  std::size_t side_ = 0;
  std::shared_ptr<LinkDevice> device_;  // of the connection
  PayloadDestination destination_;
  std::uint64_t wait_ms_ = 0;  // the last back-off
  std::uint64_t armed_ms_ = Session::kNever;

  std::uint64_t bytes_sent_ = 0;
  std::uint64_t bytes_received_ = 0;
  std::uint64_t payload_bytes_written_ = 0;  // over earlier connections
  std::uint64_t payload_bytes_written_here_ = 0;
};

}  // namespace netbinder::sim
