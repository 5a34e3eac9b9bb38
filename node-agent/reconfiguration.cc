// SPDX-License-Identifier: Apache-2.0
#include "node-agent/reconfiguration.h"

#include <algorithm>
#include <map>

namespace netbinder {

namespace {

// Devices can be added. The existing ones stay, as they may have processes.
void take_contexts(Config& config, const Config& wanted) {
  for (const ContextSettings& context : wanted.contexts) {
    const auto present = std::ranges::find(config.contexts, context.name, &ContextSettings::name);
    if (present == config.contexts.end()) {
      config.contexts.push_back(context);
    } else {
      present->exported = context.exported;
      present->imported = context.imported;
      present->unique = context.unique;
    }
  }
}

// Hosts come, go and move, but a host that is alone has no part of a cluster in it, and this host
// itself stays who it is. The arbiter of context managers can be another one if both lists are
// numbered, as hosts tell by the numbers which of two arbiters is the newer one.
void take_hosts(Config& config, const Config& wanted) {
  if (config.membership.kind == MembershipKind::kEtcd ||
      wanted.membership.kind == MembershipKind::kEtcd) {
    return;  // see take_host_rules
  }
  const std::uint64_t number = wanted.membership.list;
  if (wanted.hosts == config.hosts) {
    config.membership.list = number;
    return;
  }
  const bool arbiter_may_change = config.membership.list != 0 && number > config.membership.list;
  const auto same_place = [](const HostSettings& a, const HostSettings& b) {
    return a.name == b.name && a.id == b.id;
  };
  const auto self = std::ranges::find(wanted.hosts, config.host, &HostSettings::name);
  if (config.hosts.size() < 2 || wanted.hosts.size() < 2 || self == wanted.hosts.end() ||
      !same_place(*self, config.self()) || self->address != config.self().address ||
      !(arbiter_may_change || same_place(wanted.hosts.front(), config.hosts.front()))) {
    return;
  }
  // The number of an existing host cannot be given to another one.
  for (const HostSettings& host : wanted.hosts) {
    const auto numbered = std::ranges::find(config.hosts, host.id, &HostSettings::id);
    const auto named = std::ranges::find(config.hosts, host.name, &HostSettings::name);
    if (numbered != named) return;
  }
  config.membership.list = number;
  if (number != 0) {
    config.hosts = wanted.hosts;
    return;
  }
  // In lists without numbers, hosts that stay keep their order of preference.
  std::vector<HostSettings> hosts;
  for (const HostSettings& host : config.hosts) {
    const auto stays = std::ranges::find(wanted.hosts, host.name, &HostSettings::name);
    if (stays != wanted.hosts.end()) hosts.push_back(*stays);
  }
  for (const HostSettings& host : wanted.hosts) {
    if (std::ranges::find(hosts, host.name, &HostSettings::name) == hosts.end()) {
      hosts.push_back(host);
    }
  }
  config.hosts = std::move(hosts);
}

// Hosts that have joined stay, whatever is said about them.
void take_host_rules(Config& config, const Config& wanted) {
  if (config.membership.kind != MembershipKind::kEtcd ||
      wanted.membership.kind != MembershipKind::kEtcd) {
    return;
  }
  config.host_rules = wanted.host_rules;
  for (HostSettings& host : config.hosts) {
    host = described_host(config, host.name, host.id, host.address);
  }
}

// How etcd is reached can change, not what is known there about this host.
void take_membership(Config& config, const Config& wanted) {
  if (config.membership.kind != wanted.membership.kind) return;
  config.membership.endpoints = wanted.membership.endpoints;
  config.membership.tls = wanted.membership.tls;
  config.membership.user = wanted.membership.user;
  config.membership.password_file = wanted.membership.password_file;
}

// Rules name hosts; those that are in the file and cannot be taken over are none yet.
void take_policy(Config& config, const Config& wanted) {
  const bool known_later = config.membership.kind == MembershipKind::kEtcd;
  for (const PolicySettings& rule : wanted.policy) {
    for (const PolicyWho& who : rule.who) {
      if (!known_later && !who.host.empty() &&
          std::ranges::find(config.hosts, who.host, &HostSettings::name) == config.hosts.end()) {
        return;
      }
    }
  }
  config.policy = wanted.policy;
}

std::vector<std::string> differences(const Config& a, const Config& b) {
  const std::map<std::string, std::string> of_a = config_values(a);
  const std::map<std::string, std::string> of_b = config_values(b);
  std::vector<std::string> keys;
  for (const auto& [key, value] : of_a) {
    const auto other = of_b.find(key);
    if (other == of_b.end() || other->second != value) keys.push_back(key);
  }
  for (const auto& [key, value] : of_b) {
    if (!of_a.contains(key)) keys.push_back(key);
  }
  std::ranges::sort(keys);
  return keys;
}

}  // namespace

Reconfiguration plan_reconfiguration(const Config& current, const Config& wanted) {
  Reconfiguration plan{.config = current, .changed = {}, .needs_restart = {}};
  Config& config = plan.config;
  config.log_level = wanted.log_level;
  config.log = wanted.log;
  config.metrics.latency = wanted.metrics.latency;
  config.busy_poll_us = wanted.busy_poll_us;
  config.limits = wanted.limits;
  // Sessions and relays keep the values that they were made with.
  config.limits.max_message_bytes = current.limits.max_message_bytes;
  config.limits.max_backlog_bytes = current.limits.max_backlog_bytes;
  config.limits.max_file_bytes = current.limits.max_file_bytes;
  if (current.tls.enabled() && wanted.tls.enabled()) config.tls = wanted.tls;
  take_contexts(config, wanted);
  take_hosts(config, wanted);
  take_host_rules(config, wanted);
  take_membership(config, wanted);
  take_policy(config, wanted);
  plan.changed = differences(current, config);
  plan.needs_restart = differences(config, wanted);
  return plan;
}

}  // namespace netbinder
