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
#include "tools/text_table.h"

namespace netbinder::tools {

namespace {

using Clock = std::chrono::steady_clock;

struct Row {
  std::string name;
  std::optional<std::string> interface = {};
  std::optional<std::string> host = {};
  std::optional<std::int32_t> pid = {};
  std::optional<std::uint32_t> uid = {};
  std::optional<std::size_t> instances = {};
  std::optional<bool> lazy = {};
};

Row row_of(const ServiceFacts& service) {
  Row row{.name = service.name, .instances = service.instances.size()};
  if (service.instances.empty()) return row;
  const ServiceFacts::Instance& preferred = service.instances.front();
  row.host = preferred.host;
  if (preferred.pid != 0) {
    row.pid = preferred.pid;
    row.uid = preferred.uid;
  }
  // Only its own host knows what a service has asked for.
  if (preferred.pid != 0 || preferred.lazy) row.lazy = preferred.lazy;
  return row;
}

// A built-in manager tells more than Android's.
std::vector<Row> rows_of(BinderClient& client) {
  std::vector<Row> rows;
  if (const auto facts = client.service_facts()) {
    for (const ServiceFacts& service : *facts) rows.push_back(row_of(service));
    return rows;
  }
  const auto names = client.list_services();
  const auto pids = client.service_pids();
  for (const std::string& name : names) {
    Row row{.name = name};
    if (const auto pid = pids.find(name); pid != pids.end()) row.pid = pid->second;
    row.lazy = client.is_lazy(name);
    rows.push_back(std::move(row));
  }
  return rows;
}

// Most of the time is for those that answer; one that does not has a second.
void ask_interfaces(const ServiceOptions& options, std::vector<Row>& rows) {
  constexpr std::chrono::milliseconds kMost{1000};
  const auto end =
      Clock::now() + std::chrono::milliseconds(static_cast<std::int64_t>(options.timeout_s * 800));
  InterfaceQuestions questions(options.device);
  for (Row& row : rows) {
    auto limit = kMost;
    if (options.timeout_s > 0) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
      limit = std::clamp(left, std::chrono::milliseconds(0), kMost);
    }
    row.interface = questions.ask(row.name, limit);
  }
}

nlohmann::json json_of(const Row& row) {
  const auto value = [](const auto& known) {
    return known ? nlohmann::json(*known) : nlohmann::json(nullptr);
  };
  return {{"name", row.name},        {"interface", value(row.interface)},
          {"host", value(row.host)}, {"pid", value(row.pid)},
          {"uid", value(row.uid)},   {"instances", value(row.instances)},
          {"lazy", value(row.lazy)}};
}

void print_table(const std::vector<Row>& rows) {
  using enum TextTable::Align;
  TextTable table({kLeft, kLeft, kLeft, kRight, kRight, kRight, kLeft},
                  {"NAME", "INTERFACE", "HOST", "PID", "UID", "INSTANCES", "LAZY"});
  const auto text = [](const auto& known) { return known ? fmt::format("{}", *known) : "-"; };
  for (const Row& row : rows) {
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
  std::vector<Row> rows = rows_of(client);
  ask_interfaces(options, rows);
  if (options.json) {
    nlohmann::json services = nlohmann::json::array();
    for (const Row& row : rows) services.push_back(json_of(row));
    fmt::print("{}\n", nlohmann::json{{"services", services}}.dump(2));
  } else {
    print_table(rows);
  }
  return 0;
}

}  // namespace netbinder::tools
