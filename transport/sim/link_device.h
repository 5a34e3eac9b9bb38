// SPDX-License-Identifier: Apache-2.0
//
// One end of the simulated device of a link: payloads by lease. A message for which the sender has
// space of the peer's, given ahead, goes at once: the device writes its payload there, then the
// message goes over the connection without it. For another the sender asks, and it waits for the
// answer, with those behind it; refused space, it takes its payload along.
//
// What was asked and lent is of one connection: the link makes a new one of these for the next.
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
  // Whether this message is for the device. A matter of chance, where there is one at both ends.
  [[nodiscard]] bool takes(const OutgoingFrame& frame);
  // Nothing: it waits.
  std::optional<Ready> send(std::shared_ptr<const OutgoingFrame> frame);
  [[nodiscard]] bool holds_a_message() const { return held_ != nullptr; }
  // The message that has waited, if it may go now.
  std::optional<Ready> granted(const frame::LeaseGranted& answer);

  // ---- lending ---- [events]
  void wanted(const frame::LeaseWanted& request, bool may_be_lent);
  void returned(const frame::LeaseReturned& lease) { end_lease(lease.lease); }
  void peer_writes(LeaseId lease, std::span<const std::byte> bytes);
  [[nodiscard]] bool lends(LeaseId lease) const { return lent_.contains(lease); }
  // A message came for it, or nothing will any more.
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
  // What is kept that this message's payload may go to.
  std::optional<LeaseId> take_kept(const LeaseRequest& needed);
  Ready write(std::shared_ptr<const OutgoingFrame> frame, LeaseId lease);
  void keep(const LeaseRequest& request, LeaseId lease);
  void give_back(LeaseId lease);

  Environment& environment_;
  const HostId peer_;
  const ConnectionPtr connection_;
  const std::size_t side_;
  // Of the peer's memory.
  std::shared_ptr<const OutgoingFrame> held_;
  std::uint64_t held_for_ = 0;  // the number of its request
  std::uint64_t last_number_ = 0;
  std::map<std::uint64_t, LeaseRequest> asked_;
  std::vector<Kept> kept_;
  std::uint64_t bytes_written_ = 0;
  // Of memory here.
  std::map<LeaseId, LeasedPlace> lent_;
};

}  // namespace netbinder::sim
