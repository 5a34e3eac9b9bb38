// SPDX-License-Identifier: Apache-2.0
//
// The services of a host, with what its manager tells of each. Plain values; only service_rows()
// does I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tools/binder_client.h"

namespace netbinder::tools {

// An unknown value is nothing. A service of several instances shows those of the preferred one.
struct ServiceRow {
  std::string name;
  std::optional<std::string> interface = {};
  std::optional<std::string> host = {};
  std::optional<std::int32_t> pid = {};
  std::optional<std::uint32_t> uid = {};
  std::optional<std::size_t> instances = {};
  std::optional<bool> lazy = {};
};

// Without interfaces, which services tell themselves.
[[nodiscard]] std::vector<ServiceRow> service_rows(BinderClient& client);

[[nodiscard]] nlohmann::json json_of(const ServiceRow& row);

}  // namespace netbinder::tools
