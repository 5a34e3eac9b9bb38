// SPDX-License-Identifier: Apache-2.0
#include "cluster-config/read_table.h"

#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <cstdlib>
#include <utility>

#include "cluster-config/accounts.h"
#include "cluster-config/address.h"
#include "cluster-config/read_log.h"
#include "cluster-config/read_membership.h"
#include "cluster-config/read_policy.h"
#include "cluster-config/reader.h"

namespace netbinder {
namespace {

constexpr std::size_t kMaxHosts = 1024;
constexpr std::size_t kMaxContexts = 64;
constexpr std::size_t kMaxContextNameBytes = 255;

bool context_name_valid(const std::string& name) {
  return !name.empty() && name.size() <= kMaxContextNameBytes && name != "." && name != ".." &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c != '/' && c != 0x7F; });
}

std::string system_host_name() {
  char name[HOST_NAME_MAX + 1] = {};
  if (gethostname(name, sizeof name - 1) != 0 || !host_name_valid(name)) return "localhost";
  return name;
}

std::string default_socket() {
  const char* const runtime = std::getenv("XDG_RUNTIME_DIR");
  if (::geteuid() != 0 && runtime != nullptr && *runtime == '/') {
    return std::string(runtime) + "/netbinder/agent.sock";
  }
  return "/run/netbinder/agent.sock";
}

void read_address(TableReader& in, std::string_view key, std::string& address, bool secure) {
  if (!in.get(key, address)) return;
  const std::string problem = address_problem(address, secure);
  if (!problem.empty()) in.fail(key, problem);
}

void read_socket(TableReader& in, std::string_view key, std::string& path) {
  if (in.get(key, path) && path.empty()) in.fail(key, "must not be empty");
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    in.fail(key, "'" + path + "' is longer than the " +
                     std::to_string(sizeof(sockaddr_un::sun_path) - 1) +
                     " bytes a socket's path may have");
  }
}

void read_socket_mode(TableReader& in, std::optional<std::uint32_t>& mode) {
  constexpr std::string_view kKey = "socket_mode";
  std::string text;
  if (!in.get(kKey, text)) return;
  std::uint32_t bits = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, bits, 8);
  if (text.size() < 3 || error != std::errc() || stop != end || bits > 0777) {
    in.fail(kKey, "'" + text + "' is no mode in octal, such as \"0660\"");
  }
  if ((bits & 0600) != 0600) in.fail(kKey, "'" + text + "' keeps the socket's owner out");
  mode = bits;
}

void read_tls(TableReader& in, TlsSettings& tls) {
  in.table("tls", [&](TableReader& table) {
    for (const auto& [key, value] : {std::pair{"certificate", &tls.certificate},
                                     std::pair{"key", &tls.key}, std::pair{"ca", &tls.ca}}) {
      if (!table.get(key, *value) || value->empty()) {
        table.fail(key, "must name a file: certificate, key and ca go together");
      }
    }
    if (table.get("crl", tls.crl) && tls.crl.empty()) table.fail("crl", "must name a file");
  });
}

struct DefaultManager {
  ServiceManagerKind kind;
  const char* origin;
};

// Programs of several users live with an agent that is not a user's own: none of them is to take
// the place of the service manager that the others trust.
DefaultManager default_manager(AgentOwner owner) {
  switch (owner) {
    case AgentOwner::kRootUser:
      return {ServiceManagerKind::kBuiltin, "default of root's agent"};
    case AgentOwner::kSystem:
      return {ServiceManagerKind::kBuiltin, "default of the system's agent"};
    case AgentOwner::kUser:
      break;
  }
  return {ServiceManagerKind::kBuiltinUntilClaimed, "default of a user's own agent"};
}

void read_contexts(TableReader& in, AgentOwner owner, MembershipKind membership,
                   std::vector<ContextSettings>& contexts) {
  constexpr const char* kManager = "service_manager";
  const DefaultManager manager = default_manager(owner);
  in.tables("context", kMaxContexts, [&](TableReader& table, std::size_t) {
    ContextSettings context{};
    if (!table.get("name", context.name)) table.fail("name", "is missing");
    if (!context_name_valid(context.name)) {
      table.fail("name", "'" + context.name + "' cannot be the name of a device");
    }
    if (std::ranges::any_of(contexts, [&](const auto& c) { return c.name == context.name; })) {
      table.fail("name", "there is a context '" + context.name + "' already");
    }
    table.get("scope", context.scope, config_names::kScopes);
    if (!table.get(kManager, context.service_manager, config_names::kServiceManagers)) {
      context.service_manager = manager.kind;
      table.note_default(kManager, manager.origin);
    }
    table.get("dialect", context.dialect, config_names::kDialects);
    read_globs(table, "export", context.exported);
    read_globs(table, "import", context.imported);
    read_globs(table, "unique", context.unique);
    if (!context.unique.empty()) {
      if (membership != MembershipKind::kEtcd) {
        table.fail("unique",
                   "needs membership.kind = \"etcd\", where it is decided which host has a name");
      }
      if (context.scope != ContextScope::kCluster) {
        table.fail("unique", "is of no use in a context that each host has for itself");
      }
    }
    contexts.push_back(std::move(context));
  });
  if (!contexts.empty()) return;
  for (const char* name : {"binder", "hwbinder", "vndbinder"}) {
    contexts.push_back({.name = name, .service_manager = manager.kind});
    in.note_default("context[" + std::to_string(contexts.size()) + "]." + kManager, manager.origin);
  }
}

void read_uid_map(TableReader& in, HostSettings& host) {
  in.each("uid_map", [&](TableReader& table, const std::string& there) {
    std::uint32_t here = 0;
    table.get(there, here, 0, UINT32_MAX - 1);
    if (there == "*") {
      host.other_uids = here;
      return;
    }
    const auto uid = account_number(there);
    if (!uid) table.fail(there, "is neither a user's number nor \"*\"");
    host.uid_map[*uid] = here;
  });
}

void read_host_name(TableReader& table, HostSettings& host, const std::vector<HostSettings>& others) {
  if (!table.get("name", host.name)) table.fail("name", "is missing");
  if (!host_name_valid(host.name)) {
    table.fail("name", "'" + host.name + "' has other characters than a host name");
  }
  if (std::ranges::find(others, host.name, &HostSettings::name) != others.end()) {
    table.fail("name", "there is a host '" + host.name + "' already");
  }
}

void read_hosts(TableReader& in, std::vector<HostSettings>& hosts, bool secure) {
  in.tables("hosts", kMaxHosts, [&](TableReader& table, std::size_t index) {
    HostSettings host{.name = {}, .id = static_cast<std::uint32_t>(index + 1), .address = {}};
    read_host_name(table, host, hosts);
    table.get("id", host.id, 1, UINT32_MAX);
    read_address(table, "address", host.address, secure);
    read_uid_map(table, host);
    read_globs(table, "export", host.exported);
    read_globs(table, "import", host.imported);
    for (const auto& other : hosts) {
      if (other.id == host.id) {
        table.fail("id", "host '" + other.name + "' has the id " + std::to_string(host.id));
      }
      if (other.address.empty() || host.address.empty()) {
        table.fail("address", "is missing: with more than one host, each has one");
      }
      if (other.address == host.address) {
        table.fail("address", "host '" + other.name + "' has the address " + host.address);
      }
    }
    hosts.push_back(std::move(host));
  });
}

// If hosts join by themselves, an entry holds settings for a host that may or may not be there.
void read_host_rules(TableReader& in, std::vector<HostSettings>& rules) {
  in.tables("hosts", kMaxHosts, [&](TableReader& table, std::size_t) {
    HostSettings host;
    read_host_name(table, host, rules);
    std::string unused;
    std::uint32_t unused_id = 0;
    constexpr const char* kAssigned =
        "is not to be set: with membership.kind = \"etcd\" hosts bring their addresses along, and get "
        "their ids there";
    if (table.get("address", unused)) table.fail("address", kAssigned);
    if (table.get("id", unused_id, 0, UINT32_MAX)) table.fail("id", kAssigned);
    read_uid_map(table, host);
    read_globs(table, "export", host.exported);
    read_globs(table, "import", host.imported);
    rules.push_back(std::move(host));
  });
}

// Reads where a host that joins listens, and the address that the others are told.
void read_own_address(TableReader& in, Config& config, bool secure) {
  if (config.listen.empty()) {
    in.fail("listen", "is missing: with membership.kind = \"etcd\" other hosts find this one there");
  }
  if (config.membership.address.empty()) config.membership.address = config.listen;
  const std::string problem = address_problem(config.membership.address, secure);
  if (!problem.empty()) in.fail("membership", "address: " + problem);
}

void read_session(TableReader& in, SessionSettings& session) {
  in.table("session", [&](TableReader& table) {
    table.get("timeout_ms", session.timeout_ms, 100, 3'600'000);
    table.get("heartbeat_ms", session.heartbeat_ms, 10, 60'000);
    table.get("suspect_ms", session.suspect_ms, 20, 600'000);
    if (session.suspect_ms < 2 * session.heartbeat_ms) {
      table.fail("suspect_ms", "must be two heartbeats (heartbeat_ms = " +
                                   std::to_string(session.heartbeat_ms) + ") at least");
    }
  });
}

void read_limits(TableReader& in, LimitSettings& limits) {
  in.table("limits", [&](TableReader& table) {
    table.get("max_processes", limits.max_processes, 1, 1U << 20);
    table.get("max_threads_per_process", limits.max_threads_per_process, 1, 65536);
    table.get("max_nodes_per_process", limits.max_nodes_per_process, 1, 1U << 24);
    table.get("max_processes_per_user", limits.max_processes_per_user, 1, 1U << 20);
    table.get("max_threads_per_user", limits.max_threads_per_user, 1, 1U << 24);
    table.get("max_nodes_per_user", limits.max_nodes_per_user, 1, 1U << 24);
    table.get("max_refs_per_user", limits.max_refs_per_user, 1, 1U << 24);
    table.get("max_todos_per_user", limits.max_todos_per_user, 1, 1U << 24);
    table.get("max_files_per_user", limits.max_files_per_user, 1, 1U << 20);
    table.get("max_message_bytes", limits.max_message_bytes, 4096, 4U << 20);
    table.get("max_backlog_bytes", limits.max_backlog_bytes, 64ULL << 20, 16ULL << 30);
    table.get("max_file_bytes", limits.max_file_bytes, 0, 1ULL << 30);
  });
}

void read_rdma(TableReader& in, RdmaSettings& rdma) {
  in.table("rdma", [&](TableReader& table) {
    table.get("device", rdma.device);
    table.get("port", rdma.port, 0, 255);
    table.get("gid_index", rdma.gid_index, 0, 255);
    table.get("staging_bytes", rdma.staging_bytes, 65536, 1ULL << 30);
    table.get("max_registered_bytes", rdma.max_registered_bytes, 1ULL << 20, 1ULL << 40);
  });
}

void read_metrics(TableReader& in, MetricsSettings& metrics) {
  in.table("metrics", [&](TableReader& table) {
    table.get("remote", metrics.remote);
    table.get("users", metrics.users);
    table.get("latency", metrics.latency);
    if (!table.get("listen", metrics.listen) || metrics.listen.empty()) return;
    const ExaminedAddress examined = examine_address(metrics.listen);
    if (!examined.problem.empty()) table.fail("listen", examined.problem);
    if (!examined.is_ip) {
      table.fail("listen", "'" + metrics.listen + "' has no IP address before the port");
    }
    if (!examined.loopback && !metrics.remote) {
      table.fail("listen", "'" + metrics.listen +
                               "' is not a loopback address: everybody who reaches it would see "
                               "the metrics; remote = true allows it");
    }
  });
}

Config read_config(TableReader& in, AgentOwner owner) {
  Config config;
  config.host = system_host_name();
  const bool host_given = in.get("host", config.host);
  if (host_given && !host_name_valid(config.host)) {
    in.fail("host", "'" + config.host + "' has other characters than a host name");
  }
  config.socket = default_socket();
  in.get("cluster", config.cluster);
  if (!host_name_valid(config.cluster)) {
    in.fail("cluster", "'" + config.cluster + "' has other characters than a name");
  }
  read_socket(in, "socket", config.socket);
  config.admin_socket = config.socket + ".admin";
  read_socket(in, "admin_socket", config.admin_socket);
  if (config.admin_socket == config.socket) in.fail("admin_socket", "must not be the socket");
  read_socket_mode(in, config.socket_mode);
  in.get("socket_owner", config.socket_owner);
  in.get("socket_group", config.socket_group);
  in.get("transport", config.transport, config_names::kTransports);
  std::uint32_t busy_poll_us = 0;
  if (in.get("busy_poll_us", busy_poll_us, 0, 1'000'000)) config.busy_poll_us = busy_poll_us;
  if (in.get("cluster_key", config.cluster_key) && config.cluster_key.empty()) {
    in.fail("cluster_key", "must name a file");
  }
  in.get("insecure", config.insecure);
  in.get("user", config.user);
  in.get("log_level", config.log_level, config_names::kLogLevels);
  read_membership(in, config.membership, config.cluster, config.insecure);
  read_contexts(in, owner, config.membership.kind, config.contexts);
  read_tls(in, config.tls);
  const bool secure = config.insecure || config.tls.enabled();
  const bool joins = config.membership.kind == MembershipKind::kEtcd;
  if (joins) {
    read_host_rules(in, config.host_rules);
  } else {
    read_hosts(in, config.hosts, secure);
  }
  read_session(in, config.session);
  read_limits(in, config.limits);
  read_rdma(in, config.rdma);
  read_log(in, config.log);
  read_metrics(in, config.metrics);

  if (config.hosts.empty()) {
    const std::uint32_t id = joins ? 0 : 1;  // 0: it gets one when it joins
    config.hosts.push_back({.name = config.host, .id = id, .address = {}});
  }
  const auto self = std::ranges::find(config.hosts, config.host, &HostSettings::name);
  if (self == config.hosts.end()) {
    in.fail("host", host_given ? "'" + config.host + "' is not one of [[hosts]]"
                               : "is missing, and the system's host name '" + config.host +
                                     "' is not one of [[hosts]]");
  }
  if ((joins || config.hosts.size() > 1) && !secure && config.cluster_key.empty()) {
    in.fail("cluster_key",
            "is missing: hosts know each other by a key that they share (cluster_key) or by "
            "certificates ([tls]); insecure = true does without");
  }
  read_policy(in, config);
  config.listen = joins ? config.membership.address : self->address;
  read_address(in, "listen", config.listen, secure);
  if (joins) {
    read_own_address(in, config, secure);
  } else if (config.hosts.size() == 1 && config.listen != self->address) {
    in.fail("listen", "there are no other hosts in [[hosts]] to listen for");
  }
  if (joins) config.hosts = {described_host(config, config.host, 0, config.membership.address)};
  in.finish();
  return config;
}

}  // namespace

std::expected<LoadedConfig, ConfigError> read_table(const toml::table& table, AgentOwner owner) {
  try {
    ConfigOrigins origins;
    TableReader reader(table, "", origins);
    Config config = read_config(reader, owner);
    return LoadedConfig{.config = std::move(config), .origins = std::move(origins)};
  } catch (const ConfigError& error) {
    return std::unexpected(error);
  }
}

HostSettings described_host(const Config& config, const std::string& name, std::uint32_t id,
                            const std::string& address) {
  HostSettings host{.name = name, .id = id, .address = address};
  const auto rules = std::ranges::find(config.host_rules, name, &HostSettings::name);
  if (rules == config.host_rules.end()) return host;
  host.uid_map = rules->uid_map;
  host.other_uids = rules->other_uids;
  host.exported = rules->exported;
  host.imported = rules->imported;
  return host;
}

const HostSettings& Config::self() const {
  const auto found = std::ranges::find(hosts, host, &HostSettings::name);
  if (found == hosts.end()) std::abort();  // not made by load_config()
  return *found;
}

std::string ConfigError::to_string() const {
  std::string text = file;
  if (line != 0) text += ":" + std::to_string(line) + ":" + std::to_string(column);
  if (!key.empty()) text += ": " + key;
  return text + ": " + message;
}

}  // namespace netbinder
