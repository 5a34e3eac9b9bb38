// SPDX-License-Identifier: Apache-2.0
//
// One end of the simulated device of a link: it sends payloads by lease. If the sender holds space
// of the peer's, given ahead, a message goes at once: the device writes its payload there, then the
// message goes over the connection without it. Otherwise the sender asks for space, and the message
// waits for the answer, and those after it as well. If space is refused, the payload goes along.
//
// Requests and leases belong to one connection: the link makes a new device for the next.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "transport/sim/environment.h"

namespace netbinder::sim {

class LinkDevice : public std::enable_shared_from_this<LinkDevice> {
 public:
  LinkDevice(Environment& environment, HostId peer, ConnectionPtr connection, std::size_t side);

  struct Ready {
    std::shared_ptr<const OutgoingFrame> frame;
    LeaseId lease;  // 0: its payload is to go along
  };

  // ---- sending ----
  // Whether the device sends this message. Random, if there is a device at both ends.
  [[nodiscard]] bool takes(const OutgoingFrame& frame);
  // Returns nothing if the message has to wait.
  std::optional<Ready> send(std::shared_ptr<const OutgoingFrame> frame);
  [[nodiscard]] bool holds_a_message() const { return held_ != nullptr; }
  // The message that waited, if it may go now.
  std::optional<Ready> granted(const frame::LeaseGranted& answer);

  // ---- lending ---- [events]
  void wanted(const frame::LeaseWanted& request, bool may_be_lent);
  void returned(const frame::LeaseReturned& lease) { end_lease(lease.lease); }
  void peer_writes(LeaseId lease, std::span<const std::byte> bytes);
  [[nodiscard]] bool lends(LeaseId lease) const { return lent_.contains(lease); }
  // A message has used it, or nothing will use it any more.
  void end_lease(LeaseId lease);
  void end_leases();
  void memory_ends(std::span<std::byte> arena);
  [[nodiscard]] std::size_t lent() const { return lent_.size(); }

  [[nodiscard]] std::uint64_t bytes_written() const { return bytes_written_; }

 private:
  struct Kept {
    LeaseRequest request;
    LeaseId lease;
  };

  std::uint64_t ask(const LeaseRequest& request);
  // Kept space that this message's payload may be written to.
  std::optional<LeaseId> take_kept(const LeaseRequest& needed);
  Ready write(std::shared_ptr<const OutgoingFrame> frame, LeaseId lease);
  void keep(const LeaseRequest& request, LeaseId lease);
  void give_back(LeaseId lease);

  Environment& environment_;
  const HostId peer_;
  const ConnectionPtr connection_;
  const std::size_t side_;
  // Leases of the peer's memory.
  std::shared_ptr<const OutgoingFrame> held_;
  std::uint64_t held_for_ = 0;  // the number of its request
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, LeaseRequest> asked_;
  std::vector<Kept> kept_;
  std::uint64_t bytes_written_ = 0;
  // Leases of this host's memory.
  std::map<LeaseId, LeasedPlace> lent_;
};

}  // namespace netbinder::sim
