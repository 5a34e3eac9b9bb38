// SPDX-License-Identifier: Apache-2.0
//
// Leases that a peer has given us and that we have not used yet: to which of its processes they
// belong, and how many more to ask for ahead. Their number grows by one with each payload that
// finds none. They are replaced when used, and given back when idle.
//
// Owned by an endpoint. Thread: the data-plane thread.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/ids.h"
#include "transport/frame.h"
#include "transport/rdma/limits.h"
#include "transport/rdma/verbs.h"

namespace netbinder::rdma {

struct HeldLease {
  LeaseId id;
  std::uint64_t address = 0;
  RemoteKey key;
  std::uint64_t bytes = 0;
};

// The arena space that a lease is for; oneway calls have a part of their own.
struct LeaseUse {
  ProcessId process;  // of the peer
  bool oneway = false;
  friend bool operator==(const LeaseUse&, const LeaseUse&) = default;
};

class HeldLeases {
 public:
  // The use of the leases for this recipient, as far as it is known by now.
  [[nodiscard]] std::optional<LeaseUse> use_of(const PayloadRecipient& recipient) const;
  // The peer has said to which process a node belongs, in answer for a payload that goes there.
  void learn(NodeNumber node, LeaseUse use, std::uint64_t now_ms);

  // Takes the smallest one that holds so many bytes.
  [[nodiscard]] std::optional<HeldLease> take(LeaseUse use, std::uint64_t bytes);
  void add(LeaseUse use, const HeldLease& lease, std::uint64_t now_ms);

  // A payload goes there: whether to ask for one more ahead. If so, that counts as asked for until
  // answered().
  [[nodiscard]] bool ask_ahead(LeaseUse use, std::uint64_t now_ms);
  void answered(LeaseUse use);

  // Takes out those that were not used for kLeaseIdleMs.
  [[nodiscard]] std::vector<LeaseId> take_idle(std::uint64_t now_ms);
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Held {
    HeldLease lease;
    std::uint64_t since_ms = 0;
  };
  struct Entry {
    std::vector<Held> held;
    std::size_t asked = 0;
    std::uint64_t last_payload_ms = 0;
  };
  struct Hash {
    std::size_t operator()(const LeaseUse& use) const {
      return std::hash<ProcessId>{}(use.process) * 2 + (use.oneway ? 1 : 0);
    }
  };

  Entry& entry_of(LeaseUse use);

  boost::unordered_flat_map<NodeNumber, ProcessId, std::hash<NodeNumber>> process_of_node_;
  boost::unordered_flat_map<LeaseUse, Entry, Hash> entries_;
  std::size_t size_ = 0;
};

}  // namespace netbinder::rdma
