// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdlib>
#include <iterator>

#include "cluster-config/config.h"
#include "cluster-config/names.h"

namespace netbinder {
namespace {

template <typename Value, std::size_t count>
std::string_view find_name(const config_names::Names<Value, count>& names, Value value) {
  for (const auto& [name, named] : names) {
    if (named == value) return name;
  }
  std::abort();  // not one of the enumeration's values
}

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

}  // namespace

std::string_view to_string(TransportKind kind) {
  return find_name(config_names::kTransports, kind);
}
std::string_view to_string(ContextScope scope) { return find_name(config_names::kScopes, scope); }
std::string_view to_string(ServiceManagerKind kind) {
  return find_name(config_names::kServiceManagers, kind);
}
std::string_view to_string(ServiceManagerDialect dialect) {
  return find_name(config_names::kDialects, dialect);
}

std::string render_config(const Config& config) {
  std::string text;
  const auto put = [&]<typename... Values>(fmt::format_string<Values...> format,
                                           Values&&... values) {
    fmt::format_to(std::back_inserter(text), format, std::forward<Values>(values)...);
  };
  put("host = {}\n", quote(config.host));
  put("cluster = {}\n", quote(config.cluster));
  put("socket = {}\n", quote(config.socket));
  put("admin_socket = {}\n", quote(config.admin_socket));
  if (!config.listen.empty()) put("listen = {}\n", quote(config.listen));
  put("transport = {}\n", quote(to_string(config.transport)));
  put("busy_poll_us = {}\n", config.busy_poll_us);
  if (!config.cluster_key.empty()) put("cluster_key = {}\n", quote(config.cluster_key));
  put("insecure = {}\n", config.insecure);
  if (!config.user.empty()) put("user = {}\n", quote(config.user));
  put("log_level = {}\n", quote(config.log_level));
  for (const auto& context : config.contexts) {
    put("\n[[context]]\n");
    put("name = {}\n", quote(context.name));
    put("scope = {}\n", quote(to_string(context.scope)));
    put("service_manager = {}\n", quote(to_string(context.service_manager)));
    put("dialect = {}\n", quote(to_string(context.dialect)));
  }
  for (const auto& host : config.hosts) {
    put("\n[[hosts]]\n");
    put("name = {}\n", quote(host.name));
    put("id = {}\n", host.id);
    if (!host.address.empty()) put("address = {}\n", quote(host.address));
  }
  put("\n[session]\n");
  put("timeout_ms = {}\n", config.session.timeout_ms);
  put("heartbeat_ms = {}\n", config.session.heartbeat_ms);
  put("suspect_ms = {}\n", config.session.suspect_ms);
  put("\n[limits]\n");
  put("max_processes = {}\n", config.limits.max_processes);
  put("max_threads_per_process = {}\n", config.limits.max_threads_per_process);
  put("max_nodes_per_process = {}\n", config.limits.max_nodes_per_process);
  put("max_processes_per_user = {}\n", config.limits.max_processes_per_user);
  put("max_threads_per_user = {}\n", config.limits.max_threads_per_user);
  put("max_nodes_per_user = {}\n", config.limits.max_nodes_per_user);
  put("max_refs_per_user = {}\n", config.limits.max_refs_per_user);
  put("max_files_per_user = {}\n", config.limits.max_files_per_user);
  put("max_message_bytes = {}\n", config.limits.max_message_bytes);
  put("max_backlog_bytes = {}\n", config.limits.max_backlog_bytes);
  put("max_file_bytes = {}\n", config.limits.max_file_bytes);
  put("\n[rdma]\n");
  if (!config.rdma.device.empty()) put("device = {}\n", quote(config.rdma.device));
  put("port = {}\n", config.rdma.port);
  if (config.rdma.gid_index >= 0) put("gid_index = {}\n", config.rdma.gid_index);
  put("staging_bytes = {}\n", config.rdma.staging_bytes);
  put("max_registered_bytes = {}\n", config.rdma.max_registered_bytes);
  if (config.tls.enabled()) {
    put("\n[tls]\n");
    put("certificate = {}\n", quote(config.tls.certificate));
    put("key = {}\n", quote(config.tls.key));
    put("ca = {}\n", quote(config.tls.ca));
  }
  return text;
}

}  // namespace netbinder
