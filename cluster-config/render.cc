// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <concepts>
#include <cstdlib>
#include <utility>

#include "cluster-config/config.h"
#include "cluster-config/names.h"
#include "cluster-config/quote.h"

namespace netbinder {
namespace {

template <typename Value, std::size_t count>
std::string_view find_name(const config_names::Names<Value, count>& names, Value value) {
  for (const auto& [name, named] : names) {
    if (named == value) return name;
  }
  std::abort();  // not one of the enumeration's values
}

}  // namespace

namespace config_text {

std::string quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      quoted += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string key(std::string_view name) {
  return name.find('.') == std::string_view::npos ? std::string(name) : quote(name);
}

}  // namespace config_text

std::string_view to_string(TransportKind kind) {
  return find_name(config_names::kTransports, kind);
}
std::string_view to_string(MembershipKind kind) {
  return find_name(config_names::kMemberships, kind);
}
std::string_view to_string(LogFormat format) {
  return find_name(config_names::kLogFormats, format);
}
std::string_view to_string(ContextScope scope) { return find_name(config_names::kScopes, scope); }
std::string_view to_string(ServiceManagerKind kind) {
  return find_name(config_names::kServiceManagers, kind);
}
std::string_view to_string(PolicyAction action) {
  return find_name(config_names::kPolicyActions, action);
}
std::string_view to_string(ServiceManagerDialect dialect) {
  return find_name(config_names::kDialects, dialect);
}

namespace {

// Writes one key after the other.
class Renderer {
 public:
  explicit Renderer(const ConfigOrigins* origins) : origins_(origins) {}

  // The keys that follow are those of this table.
  void table(const std::string& name) {
    text_ += "\n[" + name + "]\n";
    path_ = name_path_ = name + ".";
  }
  // The keys that follow are those of a table of the entry.
  void table_of_entry(const std::string& array, const std::string& name) {
    text_ += "\n[" + array + "." + name + "]\n";
    path_ += name + ".";
    name_path_ += name + ".";
  }
  // The same for one of an array of tables, the `number`th from 1.
  void entry(const std::string& array, std::size_t number, const std::string& name) {
    text_ += "\n[[" + array + "]]\n";
    path_ = fmt::format("{}[{}].", array, number);
    name_path_ = fmt::format("{}[{}].", array, name);
  }
  void put(std::string_view key, std::string_view value) {
    put_raw(key, config_text::quote(value));
  }
  void put(std::string_view key, const std::vector<std::string>& values) {
    std::string list;
    for (const std::string& value : values) {
      list += (list.empty() ? "" : ", ") + config_text::quote(value);
    }
    put_raw(key, "[" + list + "]");
  }
  template <std::integral Number>
  void put(std::string_view key, Number value) {
    put_raw(key, fmt::format("{}", value));  // of a bool: true or false
  }
  void put_if(std::string_view key, std::string_view value) {
    if (!value.empty()) put(key, value);
  }
  [[nodiscard]] std::string take_text() { return std::move(text_); }
  [[nodiscard]] std::map<std::string, std::string> take_values() { return std::move(values_); }

 private:
  void put_raw(std::string_view key, const std::string& value) {
    text_ += fmt::format("{} = {}", key, value);
    if (origins_ != nullptr) {
      const auto found = origins_->find(path_ + std::string(key));
      text_ += "  # " + (found == origins_->end() ? "default" : found->second);
    }
    text_ += "\n";
    values_[name_path_ + std::string(key)] = value;
  }

  const ConfigOrigins* origins_;
  std::string path_;       // of the table, as ConfigOrigins has it
  std::string name_path_;  // and with the name of an entry
  std::string text_;
  std::map<std::string, std::string> values_;
};

void render_membership(Renderer& out, const MembershipSettings& membership) {
  out.table("membership");
  out.put("kind", to_string(membership.kind));
  if (membership.kind == MembershipKind::kStatic) {
    if (membership.list != 0) out.put("list", membership.list);
    return;
  }
  out.put("endpoints", membership.endpoints);
  out.put("prefix", membership.prefix);
  out.put("address", membership.address);
  out.put("lease_seconds", membership.lease_seconds);
  out.put_if("user", membership.user);
  out.put_if("password_file", membership.password_file);
  if (!membership.labels.empty()) out.table("membership.labels");
  for (const auto& [name, value] : membership.labels) {
    out.put(config_text::key(name), std::string_view(value));
  }
  const MembershipTlsSettings& tls = membership.tls;
  if (tls == MembershipTlsSettings{}) return;
  out.table("membership.tls");
  out.put_if("ca", tls.ca);
  out.put_if("certificate", tls.certificate);
  out.put_if("key", tls.key);
}

void render_log(Renderer& out, const LogSettings& log) {
  out.table("log");
  out.put("format", to_string(log.format));
  std::string filter;
  for (const auto& [component, level] : log.filter) {
    filter += (filter.empty() ? "" : ",") + component + "=" + level;
  }
  out.put("filter", filter);
}

void render_metrics(Renderer& out, const MetricsSettings& metrics) {
  out.table("metrics");
  out.put_if("listen", metrics.listen);
  out.put("remote", metrics.remote);
  out.put("users", metrics.users);
  out.put("latency", metrics.latency);
}

Renderer render(const Config& config, const ConfigOrigins* origins) {
  Renderer out(origins);
  out.put("host", config.host);
  out.put("cluster", config.cluster);
  out.put("socket", config.socket);
  out.put("admin_socket", config.admin_socket);
  if (config.socket_mode) out.put("socket_mode", fmt::format("{:04o}", *config.socket_mode));
  out.put_if("socket_owner", config.socket_owner);
  out.put_if("socket_group", config.socket_group);
  out.put_if("listen", config.listen);
  out.put("transport", to_string(config.transport));
  if (config.busy_poll_us) out.put("busy_poll_us", *config.busy_poll_us);
  out.put_if("cluster_key", config.cluster_key);
  out.put("insecure", config.insecure);
  out.put_if("user", config.user);
  out.put("log_level", config.log_level);
  for (std::size_t i = 0; i < config.contexts.size(); ++i) {
    const ContextSettings& context = config.contexts[i];
    out.entry("context", i + 1, context.name);
    out.put("name", context.name);
    out.put("scope", to_string(context.scope));
    out.put("service_manager", to_string(context.service_manager));
    out.put("dialect", to_string(context.dialect));
    if (context.exported != kAllNames) out.put("export", context.exported);
    if (context.imported != kAllNames) out.put("import", context.imported);
    if (!context.unique.empty()) out.put("unique", context.unique);
  }
  for (std::size_t i = 0; i < config.policy.size(); ++i) {
    const PolicySettings& rule = config.policy[i];
    out.entry("policy", i + 1, fmt::format("{}", i + 1));
    out.put_if("context", rule.context);
    std::vector<std::string> actions;
    for (const PolicyAction action : rule.actions) actions.emplace_back(to_string(action));
    out.put(rule.effect == PolicyEffect::kAllow ? "allow" : "deny", actions);
    std::vector<std::string> subjects;
    for (const PolicyWho& who : rule.who) subjects.push_back(who.text);
    out.put("who", subjects);
    out.put("names", rule.names);
  }
  const bool joins = config.membership.kind == MembershipKind::kEtcd;
  const std::vector<HostSettings>& hosts = joins ? config.host_rules : config.hosts;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const HostSettings& host = hosts[i];
    out.entry("hosts", i + 1, host.name);
    out.put("name", host.name);
    if (!joins) out.put("id", host.id);
    out.put_if("address", host.address);
    if (host.exported != kAllNames) out.put("export", host.exported);
    if (host.imported != kAllNames) out.put("import", host.imported);
    out.table_of_entry("hosts", "uid_map");
    for (const auto& [there, here] : host.uid_map) out.put(fmt::format("{}", there), here);
    if (host.other_uids) out.put("\"*\"", *host.other_uids);
  }
  render_membership(out, config.membership);
  out.table("session");
  out.put("timeout_ms", config.session.timeout_ms);
  out.put("heartbeat_ms", config.session.heartbeat_ms);
  out.put("suspect_ms", config.session.suspect_ms);
  out.table("limits");
  out.put("max_processes", config.limits.max_processes);
  out.put("max_threads_per_process", config.limits.max_threads_per_process);
  out.put("max_nodes_per_process", config.limits.max_nodes_per_process);
  out.put("max_processes_per_user", config.limits.max_processes_per_user);
  out.put("max_threads_per_user", config.limits.max_threads_per_user);
  out.put("max_nodes_per_user", config.limits.max_nodes_per_user);
  out.put("max_refs_per_user", config.limits.max_refs_per_user);
  out.put("max_todos_per_user", config.limits.max_todos_per_user);
  out.put("max_files_per_user", config.limits.max_files_per_user);
  out.put("max_message_bytes", config.limits.max_message_bytes);
  out.put("max_backlog_bytes", config.limits.max_backlog_bytes);
  out.put("max_file_bytes", config.limits.max_file_bytes);
  out.table("rdma");
  out.put_if("device", config.rdma.device);
  out.put("port", config.rdma.port);
  if (config.rdma.gid_index >= 0) out.put("gid_index", config.rdma.gid_index);
  out.put("staging_bytes", config.rdma.staging_bytes);
  out.put("max_registered_bytes", config.rdma.max_registered_bytes);
  render_log(out, config.log);
  render_metrics(out, config.metrics);
  if (config.tls.enabled()) {
    out.table("tls");
    out.put("certificate", config.tls.certificate);
    out.put("key", config.tls.key);
    out.put("ca", config.tls.ca);
    out.put_if("crl", config.tls.crl);
  }
  return out;
}

}  // namespace

std::string render_config(const Config& config) { return render(config, nullptr).take_text(); }

std::string render_config(const Config& config, const ConfigOrigins& origins) {
  return render(config, &origins).take_text();
}

std::map<std::string, std::string> config_values(const Config& config) {
  return render(config, nullptr).take_values();
}

}  // namespace netbinder
