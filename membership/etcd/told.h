// SPDX-License-Identifier: Apache-2.0
//
// The state of the directory as the host was last told of it, so that it is told of changes only.
// Owned by the EtcdMember. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "membership/etcd/directory.h"
#include "membership/membership.h"

namespace netbinder::etcd {

class Told {
 public:
  Told(Directory& directory, MembershipEvents& events) : directory_(directory), events_(events) {}

  // `self` is among them, whatever the directory says. Work in proportion to the hosts if one of
  // them has changed.
  void tell_members(const Member& self);
  // Those that may have changed.
  void tell_claims(const std::set<std::string>& changed);
  [[nodiscard]] const std::vector<Member>& members() const { return members_; }

 private:
  Directory& directory_;
  MembershipEvents& events_;
  std::vector<Member> members_;
  std::map<std::string, ClaimHolder> claims_;
};

}  // namespace netbinder::etcd
