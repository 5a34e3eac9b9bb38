// SPDX-License-Identifier: Apache-2.0
#include "core/cluster/host_lists.h"

#include <algorithm>

namespace netbinder {

void HostLists::tell(const Peer& peer) const {
  if (own() == ListNumber{} || !tells_lists(peer.version())) return;
  model_.effects.send(peer.host(),
                      peer::HostList{.number = own(), .newest = std::max(own(), newest_)}, {});
}

void HostLists::tell_all() const {
  for (const auto& [host, peer] : peers_.all()) tell(*peer);
}

// lists.pml: list_told
const char* HostLists::told(const Peer& peer, const peer::HostList& message) {
  if (message.number == ListNumber{} || message.newest < message.number) {
    return "a list of hosts with a number that it cannot have";
  }
  Told& told = told_[peer.host()];
  const bool changed = told.number != message.number;
  told = {.number = message.number, .newest = message.newest};
  if (message.newest > std::max(own(), newest_)) {
    newest_ = message.newest;
    tell_all();
  }
  if (changed) model_.effects.host_list_told(peer.host(), message.number);
  return nullptr;
}

bool HostLists::is_known_to_peers() const {
  return own() == ListNumber{} ||
         std::ranges::all_of(told_, [&](const auto& each) { return each.second.newest >= own(); });
}

ListNumber HostLists::of(HostId peer) const {
  const auto found = told_.find(peer);
  return found == told_.end() ? ListNumber{} : found->second.number;
}

bool HostLists::is_older(HostId peer) const {
  const ListNumber theirs = of(peer);
  return theirs != ListNumber{} && theirs < own();
}

}  // namespace netbinder
