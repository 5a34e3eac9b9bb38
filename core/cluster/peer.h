// SPDX-License-Identifier: Apache-2.0
//
// Another host, while a session with it lasts: what it holds of ours, what we hold of it, and its
// calls here. Owned by Peers; made when the session begins, destroyed when it ends. Each of its
// tables is changed by only one class, a friend.
//
// A host that has yet to connect is one, too, from when a node of it is passed on to us: all there
// is of it are such nodes and our claims of them. It becomes connected, or is given up.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "core/cluster/arriving_payload.h"
#include "core/cluster/peer_ref.h"
#include "core/model/leased_space.h"
#include "core/wire/version.h"

namespace netbinder {

class Transaction;

// A claim sent to it: a reference to its node that another host introduced to us, not counted yet.
struct PendingClaim {
  NodeNumber node;
  RefKind kind = RefKind::kStrong;
  HostId introducer;
  HandoffId handoff;
  bool wanted = true;  // false: the node that it was made for has died here since
  std::uint64_t deadline_ms = 0;  // of one that waits for the home to connect
};

class Peer {
 public:
  // It has yet to connect.
  Peer(HostId host, Incarnation incarnation)
      : host_(host), incarnation_(incarnation), name_("#" + std::to_string(host.value())) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void connected(std::string name, WireVersion version) {
    connected_ = true;
    name_ = std::move(name);
    version_ = version;
  }
  // Whether there is a session with it. Otherwise nothing can be sent.
  [[nodiscard]] bool is_connected() const { return connected_; }

  [[nodiscard]] HostId host() const { return host_; }
  [[nodiscard]] Incarnation incarnation() const { return incarnation_; }
  // The session's version: only messages and fields that it has may be sent.
  [[nodiscard]] WireVersion version() const { return version_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  // The security context here of its caller with that number as a user. Valid until the next
  // question. It is made once for calls in a row by one user.
  [[nodiscard]] const std::string& context_of(std::uint32_t uid);

  template <typename Id, typename T>
  using Table = boost::unordered_flat_map<Id, T, std::hash<Id>>;
  using Refs = Table<NodeNumber, PeerRef*>;
  using Imported = Table<NodeNumber, Node*>;
  using LeaseMap = Table<LeaseId, std::unique_ptr<LeasedSpace>>;

  [[nodiscard]] const Refs& refs() const { return refs_; }
  [[nodiscard]] const Imported& imported() const { return imported_; }
  [[nodiscard]] const std::vector<PendingClaim>& claims() const { return claims_; }
  [[nodiscard]] const LeaseMap& leases() const { return leases_; }
  // The peer's reference to our node of that number; null: it has none.
  [[nodiscard]] PeerRef* find_ref(NodeNumber number) const {
    const auto found = refs_.find(number);
    return found == refs_.end() ? nullptr : found->second;
  }
  // The imported node of that number; null: we hold no such node.
  [[nodiscard]] Node* find_imported(NodeNumber number) const {
    const auto found = imported_.find(number);
    return found == imported_.end() ? nullptr : found->second;
  }

 private:
  friend class Exports;
  friend class Imports;
  friend class Leases;
  friend class PeerCalls;
  friend class Placement;

  HostId host_;
  Incarnation incarnation_;
  bool connected_ = false;
  WireVersion version_ = kOldestVersion;
  std::string name_;
  std::optional<std::uint32_t> context_uid_;  // whose context is kept
  std::string context_;
  Refs refs_;                                // references that it holds (Exports)
  Imported imported_;                        // nodes that we hold (Imports)
  std::vector<PendingClaim> claims_;         // that it has yet to answer, in order (Imports)
  Table<CallId, Transaction*> incoming_;     // its calls here (PeerCalls)
  LeaseMap leases_;                          // that it has not used yet (Leases)
  std::optional<ArrivingPayload> arriving_;  // (Placement)
};

}  // namespace netbinder
