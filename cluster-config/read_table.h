// SPDX-License-Identifier: Apache-2.0
//
// From one table, however it was put together, to a configuration.
#pragma once

#include <toml++/toml.h>

#include <expected>

#include "cluster-config/config.h"

namespace netbinder {

[[nodiscard]] std::expected<LoadedConfig, ConfigError> read_table(const toml::table& table,
                                                                  AgentOwner owner);

}  // namespace netbinder
