// SPDX-License-Identifier: Apache-2.0
//
// The setup of a driver: its host, its contexts, its bounds. Plain values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "core/base/stored_claim.h"
#include "core/model/access_rules.h"
#include "core/model/uid_map.h"
#include "core/model/users.h"

namespace netbinder {

struct ContextSetup {
  std::string name;
  bool cluster_wide = true;
  // Whether a program may become the manager although there is a built-in one.
  bool builtin_yields = true;
  AccessRules manage_rules = {};  // who may become the manager
};

// Whether there can be other hosts. A host that is alone has no parts that concern them.
enum class Reach { kCluster, kThisHost };

struct DriverSetup {
  HostId host{1};
  std::string host_name = "localhost";
  Incarnation incarnation{1};
  Reach reach = Reach::kCluster;
  ClaimsBy claims_by = ClaimsBy::kArbiter;
  HostId arbiter{1};  // decides who is context manager in contexts of cluster scope; 0: a store does
  ListNumber list{};  // of the list of hosts, whose first is the arbiter; 0: not numbered
  std::vector<ContextSetup> contexts;
  std::size_t max_processes = 4096;
  std::size_t max_threads_per_process = 4096;
  std::size_t max_nodes_per_process = 1U << 20;
  // How many objects of a process that ends are ended in one go.
  std::size_t slice_units = 256;
  // This many of max_processes are for root only.
  std::size_t processes_for_root = 64;
  UserLimits user_limits;
  // A reference to a node of this host that one host passed on to another is kept for this long
  // after two of the three hosts have lost each other. It is twice the session timeout: a recipient
  // that still claims the reference does so within that time.
  std::uint64_t handoff_timeout_ms = 10'000;
  // A node of a member that is not connected yet is waited for: the session timeout.
  std::uint64_t home_wait_ms = 5'000;
  std::uint64_t max_message_bytes = 4U << 20;  // all parts of a payload to another host
  // How users of other hosts are mapped. Those of a host without an entry are the same here.
  std::map<HostId, UidMap> uid_maps;

  [[nodiscard]] std::uint32_t user_here(HostId of, std::uint32_t uid) const {
    const auto found = uid_maps.find(of);
    return found == uid_maps.end() ? uid : found->second.here(uid);
  }
};

}  // namespace netbinder
