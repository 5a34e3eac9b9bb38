// SPDX-License-Identifier: Apache-2.0
#include "node-agent/live_settings.h"

#include <algorithm>
#include <utility>

#include "core/base/check.h"
#include "host/builtin_manager.h"
#include "host/node_host.h"
#include "node-agent/agent_setup.h"
#include "transport/log.h"

namespace netbinder {

void change_settings(NodeHost& host, const Config& before, const Config& next,
                     const NodeHostSetup& setup, const std::map<std::string, ClaimHolder>& claims) {
  // Rules name hosts, by their numbers.
  if (next.policy != before.policy || next.hosts != before.hosts) {
    host.set_policy(setup.policy);
    log::policy.debug("the policy has {} rules now", next.policy.size());
  }
  host.driver().change(setup.driver);
  host.set_host_names(setup.host_names);
  for (const ContextSettings& context : next.contexts) {
    if (host.driver().has_context(context.name)) continue;
    const auto made = std::ranges::find(setup.driver.contexts, context.name, &ContextSetup::name);
    NB_CHECK(host.add_context(*made) == 0);
    const auto claim = claims.find(context.name);
    if (claim != claims.end()) host.driver().claim_held(context.name, claim->second);
    if (auto manager = manager_setup(next, context)) host.start_manager(std::move(*manager));
  }
  for (const auto& manager : host.managers()) {
    manager->service().set_hosts(host_order(next));
    const auto context =
        std::ranges::find(next.contexts, manager->context(), &ContextSettings::name);
    NB_CHECK(context != next.contexts.end());
    manager->service().set_exchange(exchange_of(next, *context));
    manager->service().unique_names().set_names(NameGlobs(context->unique));
  }
}

}  // namespace netbinder
