// SPDX-License-Identifier: Apache-2.0
//
// References to nodes of third hosts that this host has passed on: each keeps the node alive
// through us until its recipient is known at the node's home, or its session with us is over. Owned
// by the Cluster.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <vector>

#include "core/base/ids.h"
#include "core/model/model.h"

namespace netbinder {

class Handoffs {
 public:
  explicit Handoffs(Model& model) : model_(model) {}

  HandoffId begin(Node& node, RefKind kind, HostId recipient);
  // It was not sent.
  void withdraw(HandoffId handoff) { handoffs_.erase(handoff); }
  // The recipient says that it is known at the home. Ignored from anybody else.
  void done(HostId recipient, HandoffId handoff);
  void recipient_lost(HostId recipient);
  // In order.
  [[nodiscard]] std::vector<HandoffId> to(HostId recipient) const;

 private:
  struct Handoff {
    NodeHold pin;
    HostId recipient;
  };

  Model& model_;
  boost::unordered_flat_map<HandoffId, Handoff, std::hash<HandoffId>> handoffs_;
  std::uint64_t next_ = 1;
};

}  // namespace netbinder
