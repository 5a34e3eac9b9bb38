// SPDX-License-Identifier: Apache-2.0
//
// Another host, while a session with it lasts: what it holds of ours, what we hold of it, and the
// calls between us. Owned by the Driver; made when the session begins, gone when it ends.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <optional>
#include <string>

#include "core/ids.h"
#include "core/node.h"

namespace netbinder {

struct Buffer;
struct Transaction;

// A payload on its way into a process's arena.
struct ArrivingPayload {
  ProcessId process;
  Buffer* buffer = nullptr;  // null: there was no room, `error` says why
  int error = 0;
};

struct Peer {
  HostId host;
  Incarnation incarnation;
  std::string name;

  boost::unordered_flat_map<NodeNumber, Ref*, std::hash<NodeNumber>> refs;  // it holds
  boost::unordered_flat_map<NodeNumber, Node*, std::hash<NodeNumber>> imports;  // we hold
  boost::unordered_flat_map<CallId, Transaction*, std::hash<CallId>> incoming;  // its calls here
  std::optional<ArrivingPayload> arriving;
};

}  // namespace netbinder
