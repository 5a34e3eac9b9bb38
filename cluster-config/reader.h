// SPDX-License-Identifier: Apache-2.0
//
// Takes the keys of one TOML table, each with its type and range, and reports keys that nobody
// took. Where each value came from is noted: the table may be put together from several sources.
// Errors are ConfigErrors, thrown; read_table() catches them.
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cluster-config/config.h"
#include "cluster-config/names.h"

namespace netbinder {

class TableReader {
 public:
  // `path` is the table's key: "session", "hosts[2]", or empty for the whole configuration.
  TableReader(const toml::table& table, std::string path, ConfigOrigins& origins)
      : table_(table), path_(std::move(path)), origins_(origins) {}

  // Each of these leaves the value alone if the key is absent, and returns whether it is present.
  bool get(std::string_view key, std::string& value);
  bool get(std::string_view key, bool& value);
  template <typename Integer>
  bool get(std::string_view key, Integer& value, std::uint64_t min, std::uint64_t max) {
    std::uint64_t wide = 0;
    if (!get_integer(key, wide, min, max)) return false;
    value = static_cast<Integer>(wide);
    return true;
  }
  template <typename Value, std::size_t count, typename Out>
  bool get(std::string_view key, Out& value, const config_names::Names<Value, count>& names) {
    std::string word;
    if (!get(key, word)) return false;
    std::string choice;
    for (const auto& [name, named] : names) {
      if (name == word) {
        value = named;
        return true;
      }
      choice += choice.empty() ? "" : ", ";
      choice += name;
    }
    fail(key, "'" + word + "' is not one of " + choice);
  }
  // A list of strings, not empty.
  bool get(std::string_view key, std::vector<std::string>& value);
  // Reads the table of this key, if present.
  void table(std::string_view key, const std::function<void(TableReader&)>& read);
  // Reads the table of this key, if present: once for each of its keys, whatever those are.
  void each(std::string_view key,
            const std::function<void(TableReader&, const std::string& name)>& read);
  // Reads each table of the array of this key, if present.
  void tables(std::string_view key, std::size_t max,
              const std::function<void(TableReader&, std::size_t index)>& read);
  [[nodiscard]] bool has(std::string_view key) const { return table_.get(key) != nullptr; }
  // The key is absent, and this is where its value comes from.
  void note_default(std::string_view key, const char* origin) { origins_[name(key)] = origin; }
  // Fails if there is a key that was not asked for.
  void finish() const;

  // Reports an error in a key of this table, at its place, or at the table's if the key is absent.
  [[noreturn]] void fail(std::string_view key, std::string message) const;

 private:
  const toml::node* take(std::string_view key);
  void note_origin(std::string_view key, const toml::node& node);
  bool get_integer(std::string_view key, std::uint64_t& value, std::uint64_t min,
                   std::uint64_t max);
  [[nodiscard]] std::string name(std::string_view key) const;

  const toml::table& table_;
  const std::string path_;
  ConfigOrigins& origins_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace netbinder
