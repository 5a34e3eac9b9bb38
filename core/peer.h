// SPDX-License-Identifier: Apache-2.0
//
// Another host, while a session with it lasts: what it holds of ours, what we hold of it, and the
// calls between us. Owned by the Driver; made when the session begins, gone when it ends.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/ids.h"
#include "core/node.h"

namespace netbinder {

struct Buffer;
struct LeasedSpace;
struct Transaction;

// A payload on its way into a process's arena.
struct ArrivingPayload {
  ProcessId process;
  Buffer* buffer = nullptr;          // null: it is not received
  std::uint32_t command = 0;         // then: the BR_* command that tells the caller
  int error = 0;                     // and the negative errno
  std::uint64_t context_offset = 0;  // of the security context in the buffer
  std::uint64_t context_size = 0;    // with its final zero; 0 is none
};

// A reference of one of its nodes that another host introduced to us, until it has confirmed it.
struct PendingClaim {
  NodeNumber node;
  bool strong = true;
  HostId introducer;
  HandoffId handoff;
  bool wanted = true;  // the node it was made for has not died meanwhile
};

struct Peer {
  HostId host;
  Incarnation incarnation;
  std::string name;

  boost::unordered_flat_map<NodeNumber, Ref*, std::hash<NodeNumber>> refs;      // it holds
  boost::unordered_flat_map<NodeNumber, Node*, std::hash<NodeNumber>> imports;  // we hold
  boost::unordered_flat_map<CallId, Transaction*, std::hash<CallId>> incoming;  // its calls here
  boost::unordered_flat_map<LeaseId, LeasedSpace*, std::hash<LeaseId>> leases;  // it has, unused
  std::optional<ArrivingPayload> arriving;
  std::vector<PendingClaim> claims;  // we made, it has to answer, in order
};

// What this host and a peer hold of each other, by node number: a view for tests.
struct PeerLedger {
  struct Entry {
    NodeNumber node;
    std::uint64_t strong = 0;
    std::uint64_t weak = 0;
  };
  HostId host;
  std::vector<Entry> counted;        // of ours, for the peer
  std::vector<Entry> received;       // of the peer's, and not given back
  std::vector<PendingClaim> claims;  // made to the peer
  std::vector<HandoffId> handoffs;   // references to others' nodes held until it has its own
};

}  // namespace netbinder
