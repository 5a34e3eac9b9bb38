// SPDX-License-Identifier: Apache-2.0
#include "core/cluster/handoffs.h"

#include <algorithm>
#include <utility>

namespace netbinder {

HandoffId Handoffs::begin(Node& node, RefKind kind, HostId recipient) {
  const HandoffId id{next_++};
  handoffs_.emplace(
      id, Handoff{.pin = NodeHold::of_kind(model_.nodes, node, kind), .recipient = recipient});
  return id;
}

void Handoffs::done(HostId recipient, HandoffId handoff) {
  const auto found = handoffs_.find(handoff);
  if (found == handoffs_.end() || found->second.recipient != recipient) return;
  const Handoff over = std::move(found->second);  // out of the table before its node may end
  handoffs_.erase(found);
}

void Handoffs::recipient_lost(HostId recipient) {
  for (const HandoffId handoff : to(recipient)) done(recipient, handoff);
}

std::vector<HandoffId> Handoffs::to(HostId recipient) const {
  std::vector<HandoffId> found;
  for (const auto& [id, handoff] : handoffs_) {
    if (handoff.recipient == recipient) found.push_back(id);
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace netbinder
