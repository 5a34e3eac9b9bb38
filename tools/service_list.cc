// SPDX-License-Identifier: Apache-2.0
//
// netbinder service list: names, and what the manager and the services themselves tell of them.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tools/binder_client.h"
#include "tools/commands.h"
#include "tools/interface_questions.h"
#include "tools/service_rows.h"
#include "tools/text_table.h"

namespace netbinder::tools {

namespace {

using Clock = std::chrono::steady_clock;

// Most of the time is for those that answer; one that does not has a second.
void ask_interfaces(const ServiceOptions& options, std::vector<ServiceRow>& rows) {
  constexpr std::chrono::milliseconds kMost{1000};
  const auto end =
      Clock::now() + std::chrono::milliseconds(static_cast<std::int64_t>(options.timeout_s * 800));
  InterfaceQuestions questions(options.device);
  for (ServiceRow& row : rows) {
    auto limit = kMost;
    if (options.timeout_s > 0) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
      limit = std::clamp(left, std::chrono::milliseconds(0), kMost);
    }
    row.interface = questions.ask(row.name, limit);
  }
}

void print_table(const std::vector<ServiceRow>& rows) {
  using enum TextTable::Align;
  TextTable table({kLeft, kLeft, kLeft, kRight, kRight, kRight, kLeft},
                  {"NAME", "INTERFACE", "HOST", "PID", "UID", "INSTANCES", "LAZY"});
  const auto text = [](const auto& known) { return known ? fmt::format("{}", *known) : "-"; };
  for (const ServiceRow& row : rows) {
    table.add({row.name, row.interface && !row.interface->empty() ? *row.interface : "-",
               row.host.value_or("-"), text(row.pid), text(row.uid), text(row.instances),
               !row.lazy   ? "-"
               : *row.lazy ? "yes"
                           : "no"});
  }
  for (const std::string& line : table.lines()) fmt::print("{}\n", line);
}

}  // namespace

int list_services(const ServiceOptions& options) {
  BinderClient client(options.device);
  if (options.names_only && !options.json) {
    for (const std::string& name : client.list_services()) fmt::print("{}\n", name);
    return 0;
  }
  std::vector<ServiceRow> rows = service_rows(client);
  ask_interfaces(options, rows);
  if (options.json) {
    nlohmann::json services = nlohmann::json::array();
    for (const ServiceRow& row : rows) services.push_back(json_of(row));
    fmt::print("{}\n", nlohmann::json{{"services", services}}.dump(2));
  } else {
    print_table(rows);
  }
  return 0;
}

}  // namespace netbinder::tools
