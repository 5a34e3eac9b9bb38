// SPDX-License-Identifier: Apache-2.0
#include "tools/service_rows.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace netbinder::tools {

namespace {

ServiceRow row_of(const ServiceFacts& service) {
  ServiceRow row{.name = service.name, .instances = service.instances.size()};
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

}  // namespace

// A built-in manager tells more than Android's.
std::vector<ServiceRow> service_rows(BinderClient& client) {
  std::vector<ServiceRow> rows;
  if (const auto facts = client.service_facts()) {
    for (const ServiceFacts& service : *facts) rows.push_back(row_of(service));
    return rows;
  }
  const auto names = client.list_services();
  const auto pids = client.service_pids();
  for (const std::string& name : names) {
    ServiceRow row{.name = name};
    if (const auto pid = pids.find(name); pid != pids.end()) row.pid = pid->second;
    row.lazy = client.is_lazy(name);
    rows.push_back(std::move(row));
  }
  return rows;
}

nlohmann::json json_of(const ServiceRow& row) {
  const auto value = [](const auto& known) {
    return known ? nlohmann::json(*known) : nlohmann::json(nullptr);
  };
  return {{"name", row.name},        {"interface", value(row.interface)},
          {"host", value(row.host)}, {"pid", value(row.pid)},
          {"uid", value(row.uid)},   {"instances", value(row.instances)},
          {"lazy", value(row.lazy)}};
}

}  // namespace netbinder::tools
