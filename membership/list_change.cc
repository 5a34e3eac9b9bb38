// SPDX-License-Identifier: Apache-2.0
#include "membership/list_change.h"

#include <algorithm>

namespace netbinder {

namespace {

bool same_host(const HostSettings& a, const HostSettings& b) {
  return a.id == b.id && a.name == b.name;
}

}  // namespace

std::expected<void, std::string> check_list_change(const Config& current, const Config& wanted) {
  if (current.membership.kind == MembershipKind::kEtcd ||
      wanted.membership.kind == MembershipKind::kEtcd) {
    return {};
  }
  const std::uint64_t before = current.membership.list;
  const std::uint64_t now = wanted.membership.list;
  if (now < before) {
    const std::string to = now == 0 ? "none" : std::to_string(now);
    return std::unexpected("membership.list: the number of the list of hosts would go from " +
                           std::to_string(before) + " to " + to + ", and it only goes up");
  }
  if (now == 0) return {};
  if (now == before && !std::ranges::equal(current.hosts, wanted.hosts, same_host)) {
    return std::unexpected("membership.list: the list has changed, but not its number, which is " +
                           std::to_string(now));
  }
  for (const HostSettings& host : wanted.hosts) {
    const auto known = std::ranges::find(current.hosts, host.id, &HostSettings::id);
    if (known != current.hosts.end() && known->name != host.name) {
      return std::unexpected("hosts: id " + std::to_string(host.id) + " is that of '" +
                             known->name + "' in the list in use, and of '" + host.name +
                             "' in the new one: an id is never used again");
    }
  }
  return {};
}

}  // namespace netbinder
