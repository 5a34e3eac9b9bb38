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

void Told::tell_claims() {
  for (auto told = claims_.begin(); told != claims_.end();) {
    if (directory_.claims().contains(told->first)) {
      ++told;
      continue;
    }
    events_.claim_held(told->first, std::nullopt);
    told = claims_.erase(told);
  }
  for (const auto& [context, claim] : directory_.claims()) {
    const auto told = claims_.find(context);
    if (told != claims_.end() && told->second == claim.holder) continue;
    claims_[context] = claim.holder;
    events_.claim_held(context, claim.holder);
  }
}

}  // namespace netbinder::etcd
