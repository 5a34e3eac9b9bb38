// SPDX-License-Identifier: Apache-2.0
//
// What a new configuration changes in an agent that runs: what can be taken over at once, and what
// needs a restart and stays as it is until then.
//
// Plain values; no thread of its own.
#pragma once

#include <string>
#include <vector>

#include "cluster-config/config.h"

namespace netbinder {

struct Reconfiguration {
  Config config;                           // what is to be in effect
  std::vector<std::string> changed;        // keys that differ from what was
  std::vector<std::string> needs_restart;  // keys that differ from what was asked for
};

// What follows from `wanted` for an agent that runs with `current`.
[[nodiscard]] Reconfiguration plan_reconfiguration(const Config& current, const Config& wanted);

}  // namespace netbinder
