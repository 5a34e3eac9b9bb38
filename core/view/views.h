// SPDX-License-Identifier: Apache-2.0
//
// Processes, contexts, holders and ledgers as plain values, for the host program, its tools and
// tests. Owned by the Driver; reads the model and the cluster, and changes nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "core/cluster/peer.h"

namespace netbinder {

class Cluster;
class Model;

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
  std::vector<Entry> counted;        // of our nodes, for the peer
  std::vector<Entry> received;       // of the peer's nodes, not given back
  std::vector<PendingClaim> claims;  // made to the peer
};

class Views {
 public:
  // `cluster` is null on a host that is alone.
  Views(const Model& model, const Cluster* cluster) : model_(model), cluster_(cluster) {}

  // See Driver for what each function returns.
  [[nodiscard]] DriverCounts counts() const;
  [[nodiscard]] std::vector<ProcessView> processes() const;
  [[nodiscard]] std::vector<ContextView> contexts() const;
  [[nodiscard]] std::int32_t pid_of(ProcessId process) const;
  [[nodiscard]] std::string context_of(ProcessId process) const;
  [[nodiscard]] std::optional<HostId> home_of(ProcessId process, Handle handle) const;
  [[nodiscard]] NodeHolders other_holders(ProcessId process, Handle handle) const;
  [[nodiscard]] std::vector<PeerLedger> ledgers() const;
  [[nodiscard]] std::string host_name(HostId host) const;

  // Aborts unless the sums over the model's parts match its totals.
  void check_totals() const;

 private:
  const Model& model_;
  const Cluster* cluster_;
};

}  // namespace netbinder
