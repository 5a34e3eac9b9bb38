// SPDX-License-Identifier: Apache-2.0
#include "membership/etcd/told.h"

#include <algorithm>
#include <utility>

namespace netbinder::etcd {

void Told::tell_members(const Member& self) {
  if (!directory_.take_hosts_changed()) return;
  std::vector<Member> members = directory_.members();
  const auto is_self = [&self](const Member& member) {
    return member.name == self.name && member.incarnation == self.incarnation;
  };
  if (std::ranges::none_of(members, is_self)) {
    std::erase_if(members, [&self](const Member& member) {
      return member.name == self.name || member.id == self.id;
    });
    members.push_back(self);
    std::ranges::sort(members, {}, &Member::id);
  }
  if (members == members_) return;
  members_ = std::move(members);
  events_.members_changed(members_);
}

void Told::tell_claims(const std::set<std::string>& changed) {
  for (const std::string& name : changed) {
    if (!directory_.claims().contains(name) && claims_.erase(name) > 0) {
      events_.claim_held(name, std::nullopt);
    }
  }
  for (const std::string& name : changed) {
    const auto claim = directory_.claims().find(name);
    if (claim == directory_.claims().end()) continue;
    const auto [told, is_new] = claims_.try_emplace(name, claim->second.holder);
    if (!is_new && told->second == claim->second.holder) continue;
    told->second = claim->second.holder;
    events_.claim_held(name, claim->second.holder);
  }
}

}  // namespace netbinder::etcd
