// SPDX-License-Identifier: Apache-2.0
//
// The hosts of the agent's configuration, where these are those that have joined. Pure, but for the
// log.
#pragma once

#include <vector>

#include "cluster-config/config.h"
#include "membership/member.h"
#include "transport/transport.h"

namespace netbinder {

// The hosts to be used: the members, this host, and those of before that have left but still have a
// session with this one, unless a member has their address now. In the order of their ids.
[[nodiscard]] std::vector<HostSettings> hosts_of(const Config& config,
                                                 const std::vector<Member>& members,
                                                 const std::vector<LinkStatus>& links);

// Logs who has come and gone.
void tell_hosts(const std::vector<HostSettings>& before, const std::vector<HostSettings>& now);

}  // namespace netbinder
