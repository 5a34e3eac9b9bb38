// SPDX-License-Identifier: Apache-2.0
#include "node-agent/agent_setup.h"

#include <string>

#include "core/base/check.h"
#include "node-agent/cluster_key_file.h"
#include "transport/limits.h"

namespace netbinder {

namespace {

static_assert(kMaxListNumber == limits::kMaxListNumber, "what is configured can be sent");

DriverSetup driver_setup(const Config& config, Incarnation incarnation) {
  DriverSetup setup;
  setup.host = HostId{config.self().id};
  setup.host_name = config.host;
  setup.incarnation = incarnation;
  const bool joins = config.membership.kind == MembershipKind::kEtcd;
  setup.reach = joins || config.hosts.size() > 1 ? Reach::kCluster : Reach::kThisHost;
  setup.claims_by = joins ? ClaimsBy::kStore : ClaimsBy::kArbiter;
  setup.list = ListNumber{config.membership.list};
  setup.arbiter = joins ? HostId{} : HostId{config.hosts.front().id};
  setup.handoff_timeout_ms = 2ULL * config.session.timeout_ms;
  setup.home_wait_ms = config.session.timeout_ms;
  for (const ContextSettings& context : config.contexts) {
    setup.contexts.push_back(
        {.name = context.name,
         .cluster_wide = context.scope == ContextScope::kCluster,
         .builtin_yields = context.service_manager != ServiceManagerKind::kBuiltin});
  }
  for (const HostSettings& host : config.hosts) {
    if (host.name == config.host) continue;
    setup.uid_maps[HostId{host.id}] = users_of(host);
  }
  setup.max_processes = config.limits.max_processes;
  setup.max_threads_per_process = config.limits.max_threads_per_process;
  setup.max_nodes_per_process = config.limits.max_nodes_per_process;
  setup.user_limits = {.processes = config.limits.max_processes_per_user,
                       .threads = config.limits.max_threads_per_user,
                       .nodes = config.limits.max_nodes_per_user,
                       .refs = config.limits.max_refs_per_user,
                       .todos = config.limits.max_todos_per_user};
  setup.max_message_bytes = config.limits.max_message_bytes;
  return setup;
}

RdmaUse rdma_use(TransportKind kind) {
  switch (kind) {
    case TransportKind::kAuto:
      return RdmaUse::kIfPossible;
    case TransportKind::kTcp:
      return RdmaUse::kNever;
    case TransportKind::kRdma:
      return RdmaUse::kRequired;
  }
  NB_UNREACHABLE();
}

Who who_of(const PolicyWho& who, const Config& config) {
  std::optional<HostId> host;
  for (const HostSettings& each : config.hosts) {
    if (!who.host.empty() && each.name == who.host) host = HostId{each.id};
  }
  // A host that has not joined yet is nobody's.
  if (!who.host.empty() && !host) host = HostId{};
  switch (who.kind) {
    case PolicyWho::Kind::kAnybody:
      return Who::anybody(host);
    case PolicyWho::Kind::kUser:
      return Who::user(who.number, host);
    case PolicyWho::Kind::kGroup:
      return Who::group(who.number, host);
  }
  NB_UNREACHABLE();
}

Action action_of(PolicyAction action) {
  switch (action) {
    case PolicyAction::kAdd:
      return Action::kAdd;
    case PolicyAction::kFind:
      return Action::kFind;
    case PolicyAction::kCall:
      return Action::kCall;
    case PolicyAction::kManage:
      return Action::kManage;
  }
  NB_UNREACHABLE();
}

}  // namespace

std::shared_ptr<const Policy> policy_of(const Config& config) {
  std::vector<PolicyRule> rules;
  for (const PolicySettings& settings : config.policy) {
    PolicyRule rule{.context = settings.context,
                    .who = {},
                    .actions = {},
                    .names = NameGlobs(settings.names),
                    .permission = settings.effect == PolicyEffect::kAllow ? Permission::kAllowed
                                                                          : Permission::kDenied};
    for (const PolicyWho& who : settings.who) rule.who.push_back(who_of(who, config));
    for (const PolicyAction action : settings.actions) rule.actions.push_back(action_of(action));
    rules.push_back(std::move(rule));
  }
  return std::make_shared<const Policy>(std::move(rules));
}

NameExchange exchange_of(const Config& config, const ContextSettings& context) {
  NameExchange exchange;
  exchange.exports.of_context = NameGlobs(context.exported);
  exchange.imports.of_context = NameGlobs(context.imported);
  // Only where something is said, so that a host that comes changes nothing for the others.
  for (const HostSettings& host : config.hosts) {
    const HostId id{host.id};
    if (host.exported != kAllNames) exchange.exports.of_hosts[id] = NameGlobs(host.exported);
    if (host.imported != kAllNames) exchange.imports.of_hosts[id] = NameGlobs(host.imported);
  }
  return exchange;
}

UidMap users_of(const HostSettings& host) {
  UidMap users;
  for (const auto& [there, here] : host.uid_map) users.add(there, here);
  if (host.other_uids) users.set_others(*host.other_uids);
  return users;
}

NodeHostSetup node_host_setup(const Config& config, Incarnation incarnation) {
  NodeHostSetup setup{
      .driver = driver_setup(config, incarnation), .host_names = {}, .policy = policy_of(config)};
  for (const HostSettings& host : config.hosts) setup.host_names[HostId{host.id}] = host.name;
  return setup;
}

TransportConfig transport_config(const Config& config, Incarnation incarnation) {
  TransportConfig transport;
  transport.host = HostId{config.self().id};
  transport.host_name = config.host;
  transport.incarnation = incarnation;
  transport.cluster = config.cluster;
  transport.listen_address = config.listen;
  for (const HostSettings& host : config.hosts) {
    if (host.name == config.host) continue;
    transport.peers.push_back({.id = HostId{host.id}, .name = host.name, .address = host.address});
  }
  transport.timing.timeout_ms = config.session.timeout_ms;
  transport.timing.heartbeat_ms = config.session.heartbeat_ms;
  transport.timing.suspect_ms = config.session.suspect_ms;
  transport.limits.backlog_bytes = config.limits.max_backlog_bytes;
  transport.insecure = config.insecure;
  transport.peers_come = config.membership.kind == MembershipKind::kEtcd;
  const bool alone = config.hosts.size() == 1 && !transport.peers_come;
  if (!alone && !config.cluster_key.empty()) {
    transport.cluster_key = cluster_key_of(config.cluster_key);
  }
  transport.rdma = {.use = rdma_use(config.transport),
                    .device = config.rdma.device,
                    .port = config.rdma.port,
                    .gid_index = config.rdma.gid_index,
                    .staging_bytes = config.rdma.staging_bytes,
                    .max_registered_bytes = config.rdma.max_registered_bytes};
  transport.tls = {.certificate = config.tls.certificate,
                   .key = config.tls.key,
                   .ca = config.tls.ca,
                   .crl = config.tls.crl};
  return transport;
}

std::optional<ServiceManagerSetup> manager_setup(const Config& config,
                                                 const ContextSettings& context) {
  if (context.service_manager == ServiceManagerKind::kNone) return std::nullopt;
  ServiceManagerSetup setup;
  setup.context = context.name;
  setup.dialect = std::string(to_string(context.dialect));
  setup.host = HostId{config.self().id};
  setup.hosts = host_order(config);
  setup.exchange = exchange_of(config, context);
  setup.unique = NameGlobs(context.unique);
  return setup;
}

std::vector<std::pair<HostId, std::string>> host_order(const Config& config) {
  std::vector<std::pair<HostId, std::string>> hosts;
  for (const HostSettings& host : config.hosts) hosts.emplace_back(HostId{host.id}, host.name);
  return hosts;
}

}  // namespace netbinder
