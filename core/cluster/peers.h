// SPDX-License-Identifier: Apache-2.0
//
// The hosts that this one has a session with, and those that it waits for. Owned by the Cluster.
#pragma once

#include <boost/container/flat_map.hpp>
#include <map>
#include <memory>
#include <utility>

#include "core/cluster/peer.h"

namespace netbinder {

class Peers {
 public:
  using Map = boost::container::flat_map<HostId, std::unique_ptr<Peer>>;

  [[nodiscard]] Peer* find(HostId host) const {
    const auto found = peers_.find(host);
    return found == peers_.end() ? nullptr : found->second.get();
  }
  // The peer that is a node's home, in that incarnation; null: there is no session with it, and it
  // is not waited for.
  [[nodiscard]] Peer* home_of(const NodeIdentity& node) const {
    if (Peer* home = find(node.host)) {
      return home->incarnation() == node.incarnation ? home : nullptr;
    }
    const auto awaited = awaited_.find({node.host, node.incarnation});
    return awaited == awaited_.end() ? nullptr : awaited->second.get();
  }
  // One that was waited for is connected now.
  Peer& add(HostId host, Incarnation incarnation, std::string name, WireVersion version) {
    std::unique_ptr<Peer> made;
    if (auto awaited = awaited_.extract({host, incarnation})) {
      made = std::move(awaited.mapped());
    } else {
      made = std::make_unique<Peer>(host, incarnation);
    }
    made->connected(std::move(name), version);
    return *peers_.emplace(host, std::move(made)).first->second;
  }
  void remove(HostId host) { peers_.erase(host); }
  [[nodiscard]] const Map& all() const { return peers_; }

  // ---- those that have yet to connect ----
  // A host may be waited for in several incarnations, as nobody knows which one is alive.
  using Awaited = std::map<std::pair<HostId, Incarnation>, std::unique_ptr<Peer>>;
  [[nodiscard]] const Awaited& awaited() const { return awaited_; }
  // Null: it is connected in another incarnation, or waited for in too many.
  Peer* await(HostId host, Incarnation incarnation) {
    constexpr std::size_t kMaxIncarnations = 4;
    std::size_t known = 0;
    for (auto it = awaited_.lower_bound({host, Incarnation{}});
         it != awaited_.end() && it->first.first == host; ++it) {
      ++known;
    }
    if (find(host) != nullptr || known >= kMaxIncarnations) return nullptr;
    auto made = std::make_unique<Peer>(host, incarnation);
    return awaited_.emplace(std::pair(host, incarnation), std::move(made)).first->second.get();
  }
  void await_no_more(const Peer& peer) { awaited_.erase({peer.host(), peer.incarnation()}); }

 private:
  Map peers_;
  Awaited awaited_;  // nearly always empty
};

}  // namespace netbinder
