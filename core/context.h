// SPDX-License-Identifier: Apache-2.0
//
// A binder context: one device name, one handle 0. Handle 0 names, in this order, the node of a
// local process that became the manager, that of one on another host (scope "cluster"), or the
// built-in service manager's.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "core/ids.h"

namespace netbinder {

struct Node;
struct Thread;

struct Context {
  std::string name;
  bool cluster_wide = true;

  Node* manager = nullptr;  // of a local process; holds a local strong and weak count
  std::optional<std::uint32_t> manager_uid;  // of the first local manager, ever
  // Of a cluster-wide one: the arbiter knows of it, in this session with it. Peers hear of it then.
  bool manager_claimed = false;
  std::set<HostId> manager_announced_to;  // peers, for as long as they are connected
  Node* remote_manager = nullptr;         // imported; holds a local strong and weak count
  Node* builtin = nullptr;                // likewise
  Node* builtin_for_peers = nullptr;      // what built-in managers of other hosts call; likewise
  std::set<HostId> builtin_announced_to;  // peers, for as long as they are connected
  Thread* claimant = nullptr;             // waits for the arbiter to decide its claim

  // At the arbiter of context managers only: the host whose claim holds.
  std::optional<HostId> claimed_by;

  [[nodiscard]] Node* handle_zero() const {
    if (manager != nullptr) return manager;
    return remote_manager != nullptr ? remote_manager : builtin;
  }
};

}  // namespace netbinder
