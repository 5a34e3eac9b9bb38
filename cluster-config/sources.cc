// SPDX-License-Identifier: Apache-2.0
//
// Puts the table of a configuration together from its sources.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include "cluster-config/config.h"
#include "cluster-config/quote.h"
#include "cluster-config/read_table.h"

namespace netbinder {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFileBytes = 4U << 20;

// The keys with a value of their own, which the environment can set. Those that are text take it as
// it is; the others take TOML.
struct Key {
  std::string_view name;
  bool text = false;
};
constexpr std::array kKeys = {
    Key{"host", true},
    Key{"cluster", true},
    Key{"socket", true},
    Key{"admin_socket", true},
    Key{"socket_mode", true},
    Key{"socket_owner", true},
    Key{"socket_group", true},
    Key{"listen", true},
    Key{"transport", true},
    Key{"busy_poll_us"},
    Key{"cluster_key", true},
    Key{"insecure"},
    Key{"user", true},
    Key{"log_level", true},
    Key{"log.format", true},
    Key{"log.filter", true},
    Key{"metrics.listen", true},
    Key{"metrics.remote"},
    Key{"metrics.users"},
    Key{"metrics.latency"},
    Key{"membership.kind", true},
    Key{"membership.list"},
    Key{"membership.endpoints"},
    Key{"membership.prefix", true},
    Key{"membership.address", true},
    Key{"membership.lease_seconds"},
    Key{"membership.user", true},
    Key{"membership.password_file", true},
    Key{"membership.tls.ca", true},
    Key{"membership.tls.certificate", true},
    Key{"membership.tls.key", true},
    Key{"session.timeout_ms"},
    Key{"session.heartbeat_ms"},
    Key{"session.suspect_ms"},
    Key{"limits.max_processes"},
    Key{"limits.max_threads_per_process"},
    Key{"limits.max_nodes_per_process"},
    Key{"limits.max_processes_per_user"},
    Key{"limits.max_threads_per_user"},
    Key{"limits.max_nodes_per_user"},
    Key{"limits.max_refs_per_user"},
    Key{"limits.max_todos_per_user"},
    Key{"limits.max_files_per_user"},
    Key{"limits.max_message_bytes"},
    Key{"limits.max_backlog_bytes"},
    Key{"limits.max_file_bytes"},
    Key{"rdma.device", true},
    Key{"rdma.port"},
    Key{"rdma.gid_index"},
    Key{"rdma.staging_bytes"},
    Key{"rdma.max_registered_bytes"},
    Key{"tls.certificate", true},
    Key{"tls.key", true},
    Key{"tls.ca", true},
    Key{"tls.crl", true},
};

const Key* find_key(std::string_view name) {
  const auto found = std::ranges::find(kKeys, name, &Key::name);
  return found == kKeys.end() ? nullptr : &*found;
}

// Errors are thrown inside this file.
[[noreturn]] void fail(const std::string& file, std::string message) {
  throw ConfigError{
      .file = file, .line = 0, .column = 0, .key = {}, .message = std::move(message)};
}

toml::table parse(std::string_view text, const std::string& source) {
  try {
    return toml::parse(text, source);
  } catch (const toml::parse_error& error) {
    throw ConfigError{.file = source,
                      .line = error.source().begin.line,
                      .column = error.source().begin.column,
                      .key = {},
                      .message = std::string(error.description())};
  }
}

std::string read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) fail(path, std::string("cannot be read: ") + std::strerror(errno));
  std::string text(kMaxFileBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) fail(path, "cannot be read");
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() > kMaxFileBytes) fail(path, "is too large to be a configuration");
  return text;
}

std::vector<std::string> drop_ins(const std::string& file) {
  const std::string folder = file + ".d";
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".toml") paths.push_back(entry->path().string());
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    fail(folder, "cannot be read: " + error.message());
  }
  std::ranges::sort(paths);
  return paths;
}

// One value, as an environment variable or a flag has it.
toml::table value_table(const std::string& source, const std::string& key,
                        const std::string& value) {
  const Key* const known = find_key(key);
  const bool text = known != nullptr && known->text;
  return parse(key + " = " + (text ? config_text::quote(value) : value), source);
}

void merge(toml::table& into, toml::table& later);

// Entries that have the same name are one.
void merge(toml::array& into, toml::array& later) {
  for (toml::node& node : later) {
    toml::table* const entry = node.as_table();
    const auto name =
        entry != nullptr ? (*entry)["name"].value<std::string>() : std::optional<std::string>();
    toml::table* same = nullptr;
    for (toml::node& other : into) {
      toml::table* const table = other.as_table();
      if (name && table != nullptr && (*table)["name"].value<std::string>() == name) same = table;
    }
    if (same != nullptr) {
      merge(*same, *entry);
    } else {
      // Moved, as a copy does not know its place in the source.
      node.visit([&](auto& value) { into.push_back(std::move(value)); });
    }
  }
}

void merge(toml::table& into, toml::table& later) {
  for (auto&& [key, node] : later) {
    toml::node* const present = into.get(key.str());
    if (present != nullptr && present->is_table() && node.is_table()) {
      merge(*present->as_table(), *node.as_table());
    } else if (present != nullptr && present->is_array() && node.is_array()) {
      merge(*present->as_array(), *node.as_array());
    } else {
      if (present != nullptr) into.erase(key.str());  // with the place of its key
      node.visit([&, &key = key](auto& value) { into.insert(key, std::move(value)); });
    }
  }
}

// The key that a variable sets, if any: NETBINDER_SESSION__TIMEOUT_MS is session.timeout_ms.
std::optional<std::string> key_of_variable(std::string_view name) {
  constexpr std::string_view kPrefix = "NETBINDER_";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  std::string key;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name.substr(i).starts_with("__")) {
      key += '.';
      ++i;
    } else {
      key += name[i] >= 'A' && name[i] <= 'Z' ? static_cast<char>(name[i] - 'A' + 'a') : name[i];
    }
  }
  if (find_key(key) == nullptr) return std::nullopt;
  return key;
}

}  // namespace

std::expected<LoadedConfig, ConfigError> load_config(const ConfigSources& sources) {
  try {
    toml::table all;
    if (!sources.file.empty()) {
      all = parse(read_file(sources.file), sources.file);
      for (const std::string& path : drop_ins(sources.file)) {
        toml::table drop_in = parse(read_file(path), path);
        merge(all, drop_in);
      }
    }
    for (const std::string& variable : sources.environment) {
      const auto equals = variable.find('=');
      if (equals == std::string::npos) continue;
      const std::string name = variable.substr(0, equals);
      const auto key = key_of_variable(name);
      if (!key) continue;
      toml::table value = value_table(name, *key, variable.substr(equals + 1));
      merge(all, value);
    }
    for (const ConfigSources::Flag& flag : sources.flags) {
      toml::table value = value_table(flag.flag, flag.key, flag.value);
      merge(all, value);
    }
    return read_table(all, sources.owner);
  } catch (const ConfigError& error) {
    return std::unexpected(error);
  }
}

std::expected<Config, ConfigError> load_config(const std::string& path) {
  auto loaded = load_config(ConfigSources{.file = path, .environment = {}, .flags = {}});
  if (!loaded) return std::unexpected(loaded.error());
  return std::move(loaded->config);
}

std::expected<Config, ConfigError> parse_config(std::string_view text, const std::string& file) {
  try {
    auto loaded = read_table(parse(text, file), AgentOwner::kUser);
    if (!loaded) return std::unexpected(loaded.error());
    return std::move(loaded->config);
  } catch (const ConfigError& error) {
    return std::unexpected(error);
  }
}

Config default_config() { return *parse_config("", "(no file)"); }

}  // namespace netbinder
