// SPDX-License-Identifier: Apache-2.0
#include "node-agent/cluster_members.h"

#include <algorithm>

#include "transport/log.h"

namespace netbinder {

std::vector<HostSettings> hosts_of(const Config& config, const std::vector<Member>& members,
                                   const std::vector<LinkStatus>& links) {
  std::vector<HostSettings> hosts;
  for (const Member& member : members) {
    hosts.push_back(described_host(config, member.name, member.id.value(), member.address));
  }
  const auto has_session = [&](const HostSettings& host) {
    return std::ranges::any_of(links, [&](const LinkStatus& link) {
      return link.peer == HostId{host.id} && link.state != "connecting";
    });
  };
  for (const HostSettings& host : config.hosts) {
    const bool taken = std::ranges::any_of(hosts, [&](const HostSettings& other) {
      return other.id == host.id || other.name == host.name || other.address == host.address;
    });
    if (!taken && (host.name == config.host || has_session(host))) hosts.push_back(host);
  }
  std::ranges::sort(hosts, {}, &HostSettings::id);
  return hosts;
}

void tell_hosts(const std::vector<HostSettings>& before, const std::vector<HostSettings>& now) {
  for (const HostSettings& host : now) {
    const auto known = std::ranges::find(before, host.id, &HostSettings::id);
    if (known == before.end()) {
      log::membership.info("host {} has joined, at {}", host.name, host.address);
    } else if (known->address != host.address) {
      log::membership.info("host {} is at {} from now on", host.name, host.address);
    }
  }
  for (const HostSettings& host : before) {
    if (std::ranges::find(now, host.id, &HostSettings::id) == now.end()) {
      log::membership.info("host {} has left", host.name);
    }
  }
}

}  // namespace netbinder
