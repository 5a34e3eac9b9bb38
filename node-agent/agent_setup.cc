// SPDX-License-Identifier: Apache-2.0
#include "node-agent/agent_setup.h"

#include <string>

#include "core/base/check.h"
#include "node-agent/cluster_key_file.h"

namespace netbinder {

namespace {

DriverSetup driver_setup(const Config& config, Incarnation incarnation) {
  DriverSetup setup;
  setup.host = HostId{config.self().id};
  setup.host_name = config.host;
  setup.incarnation = incarnation;
  setup.reach = config.hosts.size() > 1 ? Reach::kCluster : Reach::kThisHost;
  setup.arbiter = HostId{config.hosts.front().id};
  setup.handoff_timeout_ms = 2ULL * config.session.timeout_ms;
  for (const ContextSettings& context : config.contexts) {
    setup.contexts.push_back(
        {.name = context.name,
         .cluster_wide = context.scope == ContextScope::kCluster,
         .builtin_yields = context.service_manager != ServiceManagerKind::kBuiltin});
  }
  for (const HostSettings& host : config.hosts) {
    if (host.name == config.host) continue;
    UidMap& users = setup.uid_maps[HostId{host.id}];
    for (const auto& [there, here] : host.uid_map) users.add(there, here);
    if (host.other_uids) users.set_others(*host.other_uids);
  }
  setup.max_processes = config.limits.max_processes;
  setup.max_threads_per_process = config.limits.max_threads_per_process;
  setup.max_nodes_per_process = config.limits.max_nodes_per_process;
  setup.user_limits = {.processes = config.limits.max_processes_per_user,
                       .threads = config.limits.max_threads_per_user,
                       .nodes = config.limits.max_nodes_per_user,
                       .refs = config.limits.max_refs_per_user};
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

}  // namespace

NodeHostSetup node_host_setup(const Config& config, Incarnation incarnation) {
  NodeHostSetup setup{.driver = driver_setup(config, incarnation), .host_names = {}};
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
  const bool alone = config.hosts.size() == 1;
  if (!alone && !config.cluster_key.empty()) {
    transport.cluster_key = cluster_key_of(config.cluster_key);
  }
  transport.rdma = {.use = rdma_use(config.transport),
                    .device = config.rdma.device,
                    .port = config.rdma.port,
                    .gid_index = config.rdma.gid_index,
                    .staging_bytes = config.rdma.staging_bytes,
                    .max_registered_bytes = config.rdma.max_registered_bytes};
  transport.tls = {
      .certificate = config.tls.certificate, .key = config.tls.key, .ca = config.tls.ca};
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
  return setup;
}

std::vector<std::pair<HostId, std::string>> host_order(const Config& config) {
  std::vector<std::pair<HostId, std::string>> hosts;
  for (const HostSettings& host : config.hosts) hosts.emplace_back(HostId{host.id}, host.name);
  return hosts;
}

}  // namespace netbinder
