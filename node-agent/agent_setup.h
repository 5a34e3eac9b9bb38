// SPDX-License-Identifier: Apache-2.0
//
// Translates the configuration into the setups of the agent's parts.
#pragma once

#include <memory>
#include <optional>

#include "cluster-config/config.h"
#include "core/base/ids.h"
#include "core/model/uid_map.h"
#include "host/node_host.h"
#include "host/service-manager/manager_setup.h"
#include "transport/config.h"

namespace netbinder {

[[nodiscard]] NodeHostSetup node_host_setup(const Config& config, Incarnation incarnation);
[[nodiscard]] TransportConfig transport_config(const Config& config, Incarnation incarnation);
// Nothing if the context has no built-in manager.
[[nodiscard]] std::optional<ServiceManagerSetup> manager_setup(const Config& config,
                                                               const ContextSettings& context);

// The numbers that users of that host have here.
[[nodiscard]] UidMap users_of(const HostSettings& host);

// The policy, and the filter of names between hosts for a context, as configured.
[[nodiscard]] std::shared_ptr<const Policy> policy_of(const Config& config);
[[nodiscard]] NameExchange exchange_of(const Config& config, const ContextSettings& context);

// The hosts in order of preference, with their names.
[[nodiscard]] std::vector<std::pair<HostId, std::string>> host_order(const Config& config);

}  // namespace netbinder
