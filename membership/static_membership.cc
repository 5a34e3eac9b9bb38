// SPDX-License-Identifier: Apache-2.0
#include "membership/static_membership.h"

#include <boost/asio/post.hpp>

#include "core/base/check.h"

namespace netbinder {

void StaticMembership::start(MembershipEvents& events) {
  boost::asio::post(io_, [this, &events] { events.members_changed(members_); });
}

void StaticMembership::change(const Config& config) {
  list_ = ListNumber{config.membership.list};
  members_.clear();
  for (const HostSettings& host : config.hosts) {
    members_.push_back({.name = host.name,
                        .id = HostId{host.id},
                        .address = host.address,
                        .incarnation = {},
                        .labels = {}});
  }
}

void StaticMembership::ask_for_claim(const std::string& /*context*/) { NB_UNREACHABLE(); }
void StaticMembership::release_claim(const std::string& /*context*/) { NB_UNREACHABLE(); }

MembershipStatus StaticMembership::status() const {
  MembershipStatus status;
  status.kind = "static";
  status.joined = true;
  status.list = list_;
  status.members = members_;
  return status;
}

}  // namespace netbinder
