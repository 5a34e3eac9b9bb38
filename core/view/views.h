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
#include "core/view/plain_views.h"

namespace netbinder {

class Cluster;
class Model;

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
