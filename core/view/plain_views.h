// SPDX-License-Identifier: Apache-2.0
//
// Processes, contexts, holders and ledgers of a driver, as plain values (Views makes them).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/ids.h"

namespace netbinder {

struct DriverCounts {
  std::size_t processes, threads, nodes, refs, transactions, deaths, buffers;
  std::size_t leases;    // whose buffers are not counted
  std::size_t handoffs;  // kept for peers' claims, and claims that wait for these
};

struct ProcessView {
  ProcessId id;
  std::int32_t pid;
  std::uint32_t euid;
  std::string context;
  std::size_t threads, nodes, refs, buffers;
  std::uint64_t arena_bytes;
  std::uint64_t free_async_bytes;
};

struct ContextView {
  std::string name;
  bool cluster_wide;
  std::string manager;  // "none", "builtin", "pid N" or "host NAME"
};

struct NodeHolders {
  bool here = false;  // a process of this host, or a call or a reference on its way
  std::vector<HostId> peers;
};

// The references that this host and a peer hold of each other, by node number.
struct PeerLedger {
  struct Entry {
    NodeNumber node;
    std::uint64_t strong = 0;
    std::uint64_t weak = 0;
  };
  HostId host;
  std::vector<Entry> counted;       // of our nodes, for the peer
  std::vector<Entry> received;      // of the peer's nodes, not given back
  std::vector<NodeNumber> claimed;  // of the peer; it has yet to answer
};

}  // namespace netbinder
