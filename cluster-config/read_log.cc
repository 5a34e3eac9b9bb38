// SPDX-License-Identifier: Apache-2.0
#include "cluster-config/read_log.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "cluster-config/names.h"

namespace netbinder {

namespace {

std::string listed(const auto& names, auto name_of) {
  std::string text;
  for (const auto& each : names) {
    text += text.empty() ? "" : ", ";
    text += name_of(each);
  }
  return text;
}

constexpr auto kFirst = [](const auto& pair) { return pair.first; };
constexpr auto kItself = [](std::string_view name) { return name; };

// One COMPONENT=LEVEL.
void read_entry(TableReader& table, std::string_view entry, LogSettings& log) {
  const auto equals = entry.find('=');
  if (equals == std::string_view::npos) {
    table.fail("filter", "'" + std::string(entry) + "' is not COMPONENT=LEVEL");
  }
  const std::string component(entry.substr(0, equals));
  const std::string level(entry.substr(equals + 1));
  if (std::ranges::find(config_names::kLogComponents, component) ==
      config_names::kLogComponents.end()) {
    table.fail("filter", "there is no component '" + component + "'; there are " +
                             listed(config_names::kLogComponents, kItself));
  }
  const auto is_level = [&](const auto& known) { return known.first == level; };
  if (std::ranges::none_of(config_names::kLogLevels, is_level)) {
    table.fail("filter",
               "'" + level + "' is not one of " + listed(config_names::kLogLevels, kFirst));
  }
  if (!log.filter.emplace(component, level).second) {
    table.fail("filter", "'" + component + "' is there twice");
  }
}

}  // namespace

void read_log(TableReader& in, LogSettings& log) {
  in.table("log", [&](TableReader& table) {
    table.get("format", log.format, config_names::kLogFormats);
    std::string text;
    table.get("filter", text);
    std::string_view left = text;
    while (!left.empty()) {
      const auto comma = left.find(',');
      std::string_view entry = left.substr(0, comma);
      left = comma == std::string_view::npos ? std::string_view() : left.substr(comma + 1);
      while (entry.starts_with(' ')) entry.remove_prefix(1);
      while (entry.ends_with(' ')) entry.remove_suffix(1);
      if (!entry.empty()) read_entry(table, entry, log);
    }
  });
}

}  // namespace netbinder
