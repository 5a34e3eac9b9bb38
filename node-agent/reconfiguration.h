// SPDX-License-Identifier: Apache-2.0
//
// The changes by a new configuration in a running agent: those that take effect at once, and those
// that need a restart and are left out until then.
//
// Plain values; no thread of its own.
#pragma once

#include <string>
#include <vector>

#include "cluster-config/config.h"

namespace netbinder {

struct Reconfiguration {
  Config config;                           // the configuration to be used
  std::vector<std::string> changed;        // keys that differ from `current`
  std::vector<std::string> needs_restart;  // keys that differ from `wanted`
};

// The changes for an agent that runs with `current` and is to run with `wanted`.
[[nodiscard]] Reconfiguration plan_reconfiguration(const Config& current, const Config& wanted);

}  // namespace netbinder
