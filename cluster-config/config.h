// SPDX-License-Identifier: Apache-2.0
//
// The configuration of a host's agent. It is put together from these sources, of which a later one
// has precedence:
//   1. the defaults
//   2. one TOML file, the same for every host of a cluster except for `host`
//   3. its drop-ins, FILE.d/*.toml, in the order of their names
//   4. the environment: NETBINDER_KEY, and NETBINDER_TABLE__KEY for a key of a table, in capitals
//   5. flags of netbinderd: --socket, --host, --listen, --log-level, --set KEY=VALUE
// All have the same keys. A value takes the place of an earlier one; an entry of [[hosts]] or
// [[context]] is added, or changes the one that has its name already.
// Values are complete and consistent once they have been loaded; an agent without any source runs
// with default_config(), a cluster of one.
//
// Every key, its default and its range (packaging/netbinder.toml.example shows them in use):
//
//   host           name of this host. Default: the system's host name, or "localhost". Must be one
//                  of [[hosts]], if there are any.
//   cluster        "default". Agents of differently named clusters refuse each other.
//   socket         where programs find the agent. Default: "/run/netbinder/agent.sock"; for an
//   agent
//                  that is not root's, "$XDG_RUNTIME_DIR/netbinder/agent.sock" if that is set
//   socket_mode    who may connect to both sockets, in octal as chmod has it: "0600" … "0777".
//   Default:
//                  "0660" for root's agent, or with a socket_group; "0600" for a user's own
//   socket_owner   their owner, by name or number. Default: whoever starts the agent
//   socket_group   their group, by name or number. Default: for root's agent "netbinder", if there
//   is
//                  such a group; otherwise root's, so that the agent serves root alone
//   admin_socket   the socket's path with ".admin" added: where the netbinder command finds it
//   listen         where the other agents find this one: "ip:port". Default: our address in
//                  [[hosts]]; to be set where that is not what this host has, as behind NAT.
//   transport      "auto": messages between two hosts that both have an RDMA device go over RDMA,
//                  but not with TLS, which does not protect them there. "tcp": never. "rdma": this
//                  host must have a device, and messages go over RDMA also where the connection has
//                  TLS.
//   busy_poll_us   (0 … 1000000) how long the agent, or a thread of its programs, looks for what it
//                  waits for before it sleeps; 0: nobody ever looks. Default: as long as that may
//                  pay on this machine, which is measured (`netbinder status`: look_ns)
//   cluster_key    a file with the secret by which the agents of a cluster know each other, the
//   same
//                  on every host; readable by its owner only (0600). An agent that finds none makes
//                  one. Required with two hosts or more, unless there is [tls] or `insecure` is
//                  set.
//   insecure       false. Whether agents may talk over other than loopback addresses without TLS,
//                  and on loopback without TLS and `cluster_key`.
//   user           the user that an agent started by root becomes when its sockets are bound.
//   Default:
//                  "netbinder" if there is one; "root" stays root.
//   log_level      "info"; or trace, debug, warn, error, off
//
//   [log]
//     format           "text": lines on stderr; "json": objects of JSON, one a line, on stderr;
//                      "journal": to systemd's journal, with fields
//     filter           a level for each of some components, in place of log_level:
//                      "transport=debug,claims=trace". Components: agent, claims, config, files,
//                      membership, policy, programs, rdma, references, transport
//
//   [metrics]      HTTP: /metrics (for Prometheus), /healthz, /readyz. They are on the admin socket
//   in
//                  any case.
//     listen           "ip:port", "[ipv6]:port": also there. Default: nowhere
//     remote           false. Whether that may be another than a loopback address
//     users            false. Whether everybody who can reach it sees what each user's programs
//     have latency          false. Whether /metrics has histograms of how long calls take, by
//     interface
//
//   [[context]]    the binder devices. None at all: binder, hwbinder and vndbinder. Up to 64.
//     name             required; the device is /dev/NAME or /dev/binderfs/NAME
//     scope            "cluster": one context manager among all hosts; or "host": one each
//     service_manager  "builtin": the agent's answers, and no program can become the context's
//                      manager; "builtin-until-claimed": the agent's answers until one does; or
//                      "none". Default: "builtin" for an agent that root or the system starts,
//                      "builtin-until-claimed" for a user's own
//     dialect          "auto", "classic", "android11", … "android16": that of the built-in manager
//
//     export, import   lists of globs; see [[hosts]]
//     unique           a list of globs, as in [[policy]]: names that one host of the cluster may
//     have at a
//                      time, by a claim at etcd; in contexts of cluster scope. Default: none
//
//   [[policy]]     who may do what; the first rule that matches decides, and what none matches is
//                  allowed. Up to 256.
//     allow, deny      one of them: a list of "add" (register a name), "find" (look it up), "call"
//     (an
//                      object that its owner has registered), "manage" (become the context's
//                      manager)
//     who              a list of "*", "uid:N", "user:NAME", "gid:N", "group:NAME", each with @HOST
//     or
//                      without, and "host:NAME". Default: "*". Users of other hosts count as who
//                      they are here (uid_map), and have no groups.
//     names            a list of globs: '*' is any text, '?' any character, and a glob with '!' in
//     front
//                      takes names out. Default: "*". "manage" has no names.
//     context          one of [[context]]. Default: all, those that are added later among them
//
//   [[hosts]]      the cluster, in order of preference, the same on every host; the first is the
//                  arbiter of context managers. None at all: this host alone. Up to 1024.
//     name             required; letters, digits, '.', '_' and '-'
//     id               position in the list, from 1. To be set before a host is taken out of the
//                      list, because ids must not change meaning.
//     address          required with two hosts or more: "ip:port", "[ipv6]:port" or "name:port"
//     uid_map          [hosts.uid_map]: who the users of that host are here, by their numbers: 0 =
//     0,
//                      1000 = 1001, and "*" = 65534 for all others. Default: root (0) is nobody
//                      (65534), all others are the same here
//
//     export           a list of globs, as in [[policy]]: the names of this host that that one is
//     shown.
//                      Default: "*". A name passes if context and host let it.
//     import           likewise: the names of that host that are seen here
//
//   [membership]   who the hosts of the cluster are
//     kind             "static": those of [[hosts]]. "etcd": those that have joined there;
//     [[hosts]] then
//                      only says what holds for some of them (uid_map, export, import), by name
//     list             (1 … 999999999999999) the number of the list of [[hosts]], the same on every
//                      host: of two lists the larger is the newer one. Whoever changes the list's hosts,
//                      names, ids or order takes a larger number. Default: 0, the list is not numbered.
//                      For "static".
//     endpoints        what follows is for "etcd". Required: "https://host:port", …, tried in turn;
//                      "http://" on loopback, or with `insecure`
//     prefix           of all keys. Default: "/netbinder/CLUSTER"
//     address          where other hosts find this one. Default: `listen`
//     lease_seconds    20 (2 … 3600): a host that etcd has not heard of for so long has left
//     labels           [membership.labels]: NAME = "text", for `netbinder status` and etcd's
//     readers user             of etcd, with password_file    a file with its password tls
//     [membership.tls]: `ca` that signs etcd's certificates (default: the system's
//                      authorities), `certificate` and `key` of this host, both or none
//
//   [session]      with each other host
//     timeout_ms       5000 (100 … 3600000): without a link for so long, a host counts as dead
//     heartbeat_ms     500 (10 … 60000): silence after which a heartbeat is sent
//     suspect_ms       2000 (20 … 600000, two heartbeats at least): silence after which a link
//                      counts as dead
//
//   [limits]
//     max_processes              4096 (1 … 1048576): opens of binder devices at a time
//     max_threads_per_process    4096 (1 … 65536)
//     max_nodes_per_process      1048576 (1 … 16777216)
//     max_processes_per_user     2048 (1 … 1048576). These bounds are for each user but root:
//     max_threads_per_user       16384 (1 … 16777216)
//     max_nodes_per_user         262144 (1 … 16777216)
//     max_refs_per_user          262144 (1 … 16777216)
//     max_todos_per_user         524288 (1 … 16777216): completions and notifications, not read
//     max_files_per_user         4096 (1 … 1048576): descriptors that are on their way
//     max_message_bytes          4194304 (4096 … 4194304): all parts of a transaction together
//     max_backlog_bytes          268435456 (67108864 … 17179869184): held for a host that takes
//                                nothing; its session is given up beyond
//     max_file_bytes             67108864 (0 … 1073741824): of a file that is passed to or from
//                                another host by content
//
//   [rdma]
//     device                 name of the device. Default: the first one with an active port
//     port                   0 (0 … 255): its port; 0 is the first active one
//     gid_index              (0 … 255) Default: an IPv4 address of RoCE v2, or else the best
//     staging_bytes          8388608 (65536 … 1073741824): registered for each other host, for
//                            large payloads on their way there
//     max_registered_bytes   1073741824 (1048576 … 1099511627776): of arenas, staging and segments
//
//   [tls]          files in PEM; the first three or none
//     certificate      of this host, issued for its name
//     key
//     ca               who signs the certificates of the cluster
//     crl              optional: the certificates that the ca has revoked. Once that is over (its
//     next
//                      update), nobody is let in
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netbinder {

enum class ContextScope { kCluster, kHost };
enum class ServiceManagerKind { kBuiltin, kBuiltinUntilClaimed, kNone };
enum class ServiceManagerDialect {
  kAuto,
  kClassic,
  kAndroid11,
  kAndroid12,
  kAndroid13,
  kAndroid14,
  kAndroid15,
  kAndroid16,
};

using Globs = std::vector<std::string>;
inline const Globs kAllNames = {"*"};

struct ContextSettings {
  std::string name;
  ContextScope scope = ContextScope::kCluster;
  ServiceManagerKind service_manager = ServiceManagerKind::kBuiltinUntilClaimed;
  ServiceManagerDialect dialect = ServiceManagerDialect::kAuto;
  Globs exported = kAllNames;
  Globs imported = kAllNames;
  Globs unique = {};  // names that one host of the cluster may have at a time
  friend bool operator==(const ContextSettings&, const ContextSettings&) = default;
};

inline constexpr std::uint32_t kNobody = 65534;

struct HostSettings {
  std::string name;
  std::uint32_t id = 0;
  std::string address;  // empty only where there is one host
  std::map<std::uint32_t, std::uint32_t> uid_map = {{0, kNobody}};
  std::optional<std::uint32_t> other_uids = {};  // all that are not in it; empty: the same here
  Globs exported = kAllNames;
  Globs imported = kAllNames;
  friend bool operator==(const HostSettings&, const HostSettings&) = default;
};

struct SessionSettings {
  std::uint32_t timeout_ms = 5000;
  std::uint32_t heartbeat_ms = 500;
  std::uint32_t suspect_ms = 2000;
  friend bool operator==(const SessionSettings&, const SessionSettings&) = default;
};

struct LimitSettings {
  std::uint32_t max_processes = 4096;
  std::uint32_t max_threads_per_process = 4096;
  std::uint32_t max_nodes_per_process = 1U << 20;
  std::uint32_t max_processes_per_user = 2048;
  std::uint32_t max_threads_per_user = 16384;
  std::uint32_t max_nodes_per_user = 1U << 18;
  std::uint32_t max_refs_per_user = 1U << 18;
  std::uint32_t max_todos_per_user = 1U << 19;
  std::uint32_t max_files_per_user = 4096;
  std::uint32_t max_message_bytes = 4U << 20;
  std::uint64_t max_backlog_bytes = 256ULL << 20;
  std::uint64_t max_file_bytes = 64ULL << 20;
  friend bool operator==(const LimitSettings&, const LimitSettings&) = default;
};

// Where the cluster's hosts come from: a list in the configuration, or etcd, where hosts join.
enum class MembershipKind { kStatic, kEtcd };

struct MembershipTlsSettings {
  std::string ca;  // empty: the system's authorities
  std::string certificate;
  std::string key;
  friend bool operator==(const MembershipTlsSettings&, const MembershipTlsSettings&) = default;
};

struct MembershipSettings {
  MembershipKind kind = MembershipKind::kStatic;
  std::uint64_t list = 0;  // of kStatic; 0: not numbered
  std::vector<std::string> endpoints;  // what follows is of kEtcd
  std::string prefix;
  std::string address;
  std::uint32_t lease_seconds = 20;
  std::map<std::string, std::string> labels;
  std::string user;
  std::string password_file;
  MembershipTlsSettings tls;
  friend bool operator==(const MembershipSettings&, const MembershipSettings&) = default;
};

enum class PolicyAction { kAdd, kFind, kCall, kManage };
enum class PolicyEffect { kAllow, kDeny };

// Some programs, by their users.
struct PolicyWho {
  enum class Kind { kAnybody, kUser, kGroup };
  Kind kind = Kind::kAnybody;
  std::uint32_t number = 0;  // of the user or group
  std::string host = {};     // empty: any
  std::string text = {};     // as it was written
  friend bool operator==(const PolicyWho&, const PolicyWho&) = default;
};

struct PolicySettings {
  std::string context = {};  // empty: every one
  PolicyEffect effect = PolicyEffect::kDeny;
  std::vector<PolicyAction> actions = {};
  std::vector<PolicyWho> who = {{.text = "*"}};
  Globs names = kAllNames;
  friend bool operator==(const PolicySettings&, const PolicySettings&) = default;
};

enum class TransportKind { kAuto, kTcp, kRdma };

struct RdmaSettings {
  std::string device;
  std::uint32_t port = 0;
  std::int32_t gid_index = -1;  // -1: the default
  std::uint64_t staging_bytes = 8ULL << 20;
  std::uint64_t max_registered_bytes = 1ULL << 30;
  friend bool operator==(const RdmaSettings&, const RdmaSettings&) = default;
};

enum class LogFormat { kText, kJson, kJournal };

struct LogSettings {
  LogFormat format = LogFormat::kText;
  std::map<std::string, std::string> filter = {};  // levels by component
  friend bool operator==(const LogSettings&, const LogSettings&) = default;
};

struct MetricsSettings {
  std::string listen = {};  // empty: nowhere
  bool remote = false;
  bool users = false;
  bool latency = false;
  friend bool operator==(const MetricsSettings&, const MetricsSettings&) = default;
};

struct TlsSettings {
  std::string certificate;
  std::string key;
  std::string ca;
  std::string crl = {};  // empty: none
  [[nodiscard]] bool enabled() const { return !certificate.empty(); }
  friend bool operator==(const TlsSettings&, const TlsSettings&) = default;
};

// Its special members are not inline: it is copied in few places, and every file that sees it would
// compile them.
struct Config {
  Config();
  ~Config();
  Config(const Config& other);
  Config(Config&& other) noexcept;
  Config& operator=(const Config& other);
  Config& operator=(Config&& other) noexcept;
  friend bool operator==(const Config& one, const Config& other);

  std::string host;
  std::string cluster = "default";
  std::string socket = "/run/netbinder/agent.sock";
  std::string admin_socket = "/run/netbinder/agent.sock.admin";
  std::optional<std::uint32_t> socket_mode = {};  // empty: the default, as of the others
  std::string socket_owner;
  std::string socket_group;
  std::string listen;  // empty: there are no other hosts
  TransportKind transport = TransportKind::kAuto;
  std::optional<std::uint32_t> busy_poll_us = {};  // empty: measured
  std::string cluster_key;  // a file; empty: none
  bool insecure = false;
  std::string user;  // empty: the default
  std::string log_level = "info";
  std::vector<ContextSettings> contexts;
  std::vector<PolicySettings> policy;  // in order
  MembershipSettings membership;
  // With kEtcd, the settings in [[hosts]] for hosts that join: by name, without ids and addresses.
  std::vector<HostSettings> host_rules;
  // Never empty; has `host`. With kEtcd, a file gives this host alone, without an id.
  std::vector<HostSettings> hosts;
  SessionSettings session;
  LimitSettings limits;
  RdmaSettings rdma;
  TlsSettings tls;
  LogSettings log;
  MetricsSettings metrics;

  // This host's entry in `hosts`.
  [[nodiscard]] const HostSettings& self() const;
};

inline constexpr std::uint64_t kMaxListNumber = 999'999'999'999'999;

// A host that has joined, with what the configuration says about it.
[[nodiscard]] HostSettings described_host(const Config& config, const std::string& name,
                                          std::uint32_t id, const std::string& address);

struct ConfigError {
  std::string file;
  std::uint32_t line = 0;  // 0: the error is not at one place
  std::uint32_t column = 0;
  std::string key;  // "hosts[2].address"; empty: the file is no TOML, or cannot be read
  std::string message;

  // "FILE:LINE:COLUMN: KEY: MESSAGE", without the parts that are not known.
  [[nodiscard]] std::string to_string() const;
};

// The origin of each value: "FILE:LINE", "NETBINDER_HOST" or "--set"; by the key, as in
// "session.timeout_ms" or "hosts[2].address". What is not in it has its default. A default that
// depends on whose agent it is says so: "default of root's agent".
using ConfigOrigins = std::map<std::string, std::string>;

// The owner of an agent, whom some defaults depend on. An agent that root has started stays root's
// when it has become another user.
enum class AgentOwner { kUser, kRootUser, kSystem };

struct ConfigSources {
  std::string file;                      // empty: none. It must be there, its drop-ins need not
  std::vector<std::string> environment;  // "NAME=VALUE"; what is no key's is ignored
  struct Flag {
    std::string flag;  // "--socket"
    std::string key;   // "socket", "session.timeout_ms"
    std::string value;
  };
  std::vector<Flag> flags;
  AgentOwner owner = AgentOwner::kUser;
};

struct LoadedConfig {
  Config config;
  ConfigOrigins origins;
};

[[nodiscard]] std::expected<LoadedConfig, ConfigError> load_config(const ConfigSources& sources);
// The file and its drop-ins alone, for a user's own agent.
[[nodiscard]] std::expected<Config, ConfigError> load_config(const std::string& path);
// The same for a text; `file` is for messages.
[[nodiscard]] std::expected<Config, ConfigError> parse_config(std::string_view text,
                                                              const std::string& file);
// The configuration that an empty file gives.
[[nodiscard]] Config default_config();

// The effective configuration as TOML. Loading that text gives the same configuration.
[[nodiscard]] std::string render_config(const Config& config);
// The same with the source of each value behind it, as a comment.
[[nodiscard]] std::string render_config(const Config& config, const ConfigOrigins& origins);

// Each value as TOML has it, by its key. Contexts and hosts have their names in the keys:
// "hosts[alpha].address".
[[nodiscard]] std::map<std::string, std::string> config_values(const Config& config);

[[nodiscard]] std::string_view to_string(TransportKind kind);
[[nodiscard]] std::string_view to_string(MembershipKind kind);
[[nodiscard]] std::string_view to_string(LogFormat format);
[[nodiscard]] std::string_view to_string(ContextScope scope);
[[nodiscard]] std::string_view to_string(ServiceManagerKind kind);
[[nodiscard]] std::string_view to_string(PolicyAction action);
[[nodiscard]] std::string_view to_string(ServiceManagerDialect dialect);

}  // namespace netbinder
