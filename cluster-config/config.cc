// SPDX-License-Identifier: Apache-2.0
#include "cluster-config/config.h"

namespace netbinder {

Config::Config() = default;
Config::~Config() = default;
Config::Config(const Config&) = default;
Config::Config(Config&&) noexcept = default;
Config& Config::operator=(const Config&) = default;
Config& Config::operator=(Config&&) noexcept = default;
bool operator==(const Config&, const Config&) = default;

}  // namespace netbinder
