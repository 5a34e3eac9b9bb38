// SPDX-License-Identifier: Apache-2.0
//
// The hosts that this one has a session with. Owned by the Cluster.
#pragma once

#include <boost/container/flat_map.hpp>
#include <memory>

#include "core/cluster/peer.h"

namespace netbinder {

class Peers {
 public:
  using Map = boost::container::flat_map<HostId, std::unique_ptr<Peer>>;

  [[nodiscard]] Peer* find(HostId host) const {
    const auto found = peers_.find(host);
    return found == peers_.end() ? nullptr : found->second.get();
  }
  // The peer that is a node's home, in that incarnation; null: there is no session with it.
  [[nodiscard]] Peer* home_of(const NodeIdentity& node) const {
    Peer* home = find(node.host);
    return home != nullptr && home->incarnation() == node.incarnation ? home : nullptr;
  }
  Peer& add(HostId host, Incarnation incarnation, std::string name, WireVersion version) {
    auto made = std::make_unique<Peer>(host, incarnation, std::move(name), version);
    return *peers_.emplace(host, std::move(made)).first->second;
  }
  void remove(HostId host) { peers_.erase(host); }
  [[nodiscard]] const Map& all() const { return peers_; }

 private:
  Map peers_;
};

}  // namespace netbinder
