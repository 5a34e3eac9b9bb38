// SPDX-License-Identifier: Apache-2.0
#include "core/cluster/remote_managers.h"

#include <algorithm>

namespace netbinder {

void RemoteManagers::announced(Context& context, HostId host, Node& node) {
  OfContext& of_context = contexts_[&context];
  of_context.announced[host] = NodeHold::of_kind(model_.nodes, node, RefKind::kStrong);
  choose(context, of_context);
}

void RemoteManagers::confirmed(Context& context, HostId host, Incarnation incarnation) {
  OfContext& of_context = contexts_[&context];
  std::erase_if(of_context.confirmed, [&](const Confirmed& claim) { return claim.host == host; });
  of_context.confirmed.push_back({.host = host, .incarnation = incarnation});
  choose(context, of_context);
}

void RemoteManagers::denied(Context& context, HostId host) {
  OfContext& of_context = contexts_[&context];
  std::erase_if(of_context.confirmed, [&](const Confirmed& claim) { return claim.host == host; });
  choose(context, of_context);
}

std::optional<HostId> RemoteManagers::last_confirmed(const Context& context) const {
  const auto found =
      std::ranges::find_if(contexts_, [&](const auto& each) { return each.first == &context; });
  if (found == contexts_.end()) return std::nullopt;
  std::optional<HostId> last;
  for (const Confirmed& claim : found->second.confirmed) {
    const Peer* peer = peers_.find(claim.host);
    if (peer != nullptr && peer->incarnation() == claim.incarnation) last = claim.host;
  }
  return last;
}

void RemoteManagers::node_died(const Node& node) {
  for (auto& [context, of_context] : contexts_) {
    const auto gone = std::ranges::find_if(
        of_context.announced, [&](const auto& each) { return each.second.node() == &node; });
    if (gone == of_context.announced.end()) continue;
    const NodeHold held = std::move(gone->second);  // out of the table before the node may end
    of_context.announced.erase(gone);
    choose(*context, of_context);
  }
}

// managers.pml: choose
void RemoteManagers::choose(Context& context, const OfContext& of_context) {
  Node* chosen = nullptr;
  for (const Confirmed& claim : of_context.confirmed) {
    const auto announced = of_context.announced.find(claim.host);
    const Peer* peer = peers_.find(claim.host);
    if (announced != of_context.announced.end() && peer != nullptr &&
        peer->incarnation() == claim.incarnation) {
      chosen = announced->second.node();
    }
  }
  if (chosen == context.remote_manager()) return;
  if (chosen == nullptr) {
    context.end_remote_manager();
  } else {
    context.set_remote_manager(NodeHold::of_kind(model_.nodes, *chosen, RefKind::kStrong));
  }
}

}  // namespace netbinder
