// SPDX-License-Identifier: Apache-2.0
//
// The numbers of hosts' lists of hosts: this host's, what peers have told of theirs, and the newest
// that anybody has told of. By them the old arbiter stops before a new one begins (ContextClaims):
// a host tells every peer the newest number that it knows of as soon as it hears of it, behind
// everything that it has granted by its own list, and grants no more.
//
// The newest number is remembered for as long as the agent lives: a host that was told of it by one
// that is lost now must not grant by its old list. Numbers of 0 are compared with nothing. Owned by
// the Cluster.
#pragma once

#include <boost/container/flat_map.hpp>

#include "core/base/ids.h"
#include "core/cluster/peers.h"
#include "core/model/model.h"

namespace netbinder {

class HostLists {
 public:
  HostLists(Model& model, const Peers& peers) : model_(model), peers_(peers) {}

  void peer_connected(const Peer& peer) { tell(peer); }
  void peer_lost(const Peer& peer) { told_.erase(peer.host()); }
  // Null, or how the message breaks the protocol.
  const char* told(const Peer& peer, const peer::HostList& message);
  // Tells every peer the numbers as they are now.
  void tell_all() const;

  // Whether this host's list is the newest that it knows of, as far as lists are compared.
  [[nodiscard]] bool is_newest() const { return own() == ListNumber{} || newest_ <= own(); }
  // Whether every peer that has told a number knows of this host's list.
  [[nodiscard]] bool is_known_to_peers() const;
  // The number of a peer's list; 0: it has told none.
  [[nodiscard]] ListNumber of(HostId peer) const;
  // Whether that peer's list is known to be older than this host's.
  [[nodiscard]] bool is_older(HostId peer) const;
  // Whether the number fits this host's list; it does if it is 0.
  [[nodiscard]] bool fits(ListNumber list) const {
    return list == ListNumber{} || own() == ListNumber{} || list == own();
  }

 private:
  struct Told {
    ListNumber number;
    ListNumber newest;
  };

  [[nodiscard]] ListNumber own() const { return model_.setup.list; }
  void tell(const Peer& peer) const;

  Model& model_;
  const Peers& peers_;
  ListNumber newest_;  // that a peer has told of
  boost::container::flat_map<HostId, Told> told_;
};

}  // namespace netbinder
