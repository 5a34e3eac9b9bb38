// SPDX-License-Identifier: Apache-2.0
#include "cluster-config/reader.h"

namespace netbinder {

namespace {

std::string file_of(const toml::source_region& place) {
  return place.path ? *place.path : std::string();
}

}  // namespace

std::string TableReader::name(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

void TableReader::fail(std::string_view key, std::string message) const {
  const toml::node* node = table_.get(key);
  const auto& place = node != nullptr ? node->source() : table_.source();
  throw ConfigError{.file = file_of(place),
                    .line = place.begin.line,
                    .column = place.begin.column,
                    .key = name(key),
                    .message = std::move(message)};
}

const toml::node* TableReader::take(std::string_view key) {
  known_.emplace(key);
  const toml::node* const node = table_.get(key);
  if (node != nullptr && !node->is_table() && !node->is_array()) note_origin(key, *node);
  return node;
}

void TableReader::note_origin(std::string_view key, const toml::node& node) {
  const auto& place = node.source();
  const std::string source = file_of(place);
  // Variables and flags have one line.
  const bool file = !source.starts_with("NETBINDER_") && !source.starts_with("--");
  origins_[name(key)] = file ? source + ":" + std::to_string(place.begin.line) : source;
}

bool TableReader::get(std::string_view key, std::vector<std::string>& value) {
  const auto* node = take(key);
  if (node == nullptr) return false;
  const auto* array = node->as_array();
  if (array == nullptr || array->empty()) fail(key, "must be a list of strings, and not empty");
  value.clear();
  for (const toml::node& each : *array) {
    const auto* string = each.as_string();
    if (string == nullptr || string->get().empty())
      fail(key, "must be a list of strings that say something");
    if (string->get().find('\0') != std::string::npos)
      fail(key, "must not contain a NUL character");
    value.push_back(string->get());
  }
  note_origin(key, *node);
  return true;
}

bool TableReader::get(std::string_view key, std::string& value) {
  const auto* node = take(key);
  if (node == nullptr) return false;
  const auto* string = node->as_string();
  if (string == nullptr) fail(key, "must be a string");
  if (string->get().find('\0') != std::string::npos) fail(key, "must not contain a NUL character");
  value = string->get();
  return true;
}

bool TableReader::get(std::string_view key, bool& value) {
  const auto* node = take(key);
  if (node == nullptr) return false;
  const auto* boolean = node->as_boolean();
  if (boolean == nullptr) fail(key, "must be true or false");
  value = boolean->get();
  return true;
}

bool TableReader::get_integer(std::string_view key, std::uint64_t& value, std::uint64_t min,
                              std::uint64_t max) {
  const auto* node = take(key);
  if (node == nullptr) return false;
  const auto* integer = node->as_integer();
  if (integer == nullptr) fail(key, "must be an integer");
  if (integer->get() < 0 || static_cast<std::uint64_t>(integer->get()) < min ||
      static_cast<std::uint64_t>(integer->get()) > max) {
    fail(key, "must be from " + std::to_string(min) + " to " + std::to_string(max));
  }
  value = static_cast<std::uint64_t>(integer->get());
  return true;
}

void TableReader::table(std::string_view key, const std::function<void(TableReader&)>& read) {
  const auto* node = take(key);
  if (node == nullptr) return;
  const auto* table = node->as_table();
  if (table == nullptr) fail(key, "must be a table: [" + name(key) + "]");
  TableReader reader(*table, name(key), origins_);
  read(reader);
  reader.finish();
}

void TableReader::each(std::string_view key,
                       const std::function<void(TableReader&, const std::string&)>& read) {
  table(key, [&](TableReader& reader) {
    for (const auto& [name, node] : reader.table_) read(reader, std::string(name.str()));
  });
}

void TableReader::tables(std::string_view key, std::size_t max,
                         const std::function<void(TableReader&, std::size_t index)>& read) {
  const auto* node = take(key);
  if (node == nullptr) return;
  const auto* array = node->as_array();
  const std::string complaint = "must be an array of tables: [[" + name(key) + "]]";
  if (array == nullptr) fail(key, complaint);
  if (array->size() > max) fail(key, "must not be more than " + std::to_string(max));
  for (std::size_t i = 0; i < array->size(); ++i) {
    const auto* table = array->get(i)->as_table();
    if (table == nullptr) fail(key, complaint);
    // Counted from 1, as people count and as the default ids do.
    TableReader reader(*table, name(key) + "[" + std::to_string(i + 1) + "]", origins_);
    read(reader, i);
    reader.finish();
  }
}

void TableReader::finish() const {
  for (const auto& [key, node] : table_) {
    if (known_.contains(key.str())) continue;
    throw ConfigError{.file = file_of(key.source()),
                      .line = key.source().begin.line,
                      .column = key.source().begin.column,
                      .key = name(key.str()),
                      .message = "unknown key"};
  }
}

}  // namespace netbinder
