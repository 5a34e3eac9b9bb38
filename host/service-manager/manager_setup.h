// SPDX-License-Identifier: Apache-2.0
//
// The setup of a built-in service manager: its context, its dialect, and the hosts of the cluster.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "host/policy/name_exchange.h"
#include "host/policy/name_globs.h"
#include "host/policy/policy.h"

namespace netbinder {

struct ServiceManagerSetup {
  std::string context;
  std::string dialect = "auto";  // or "classic", "android11" … "android16"
  HostId host{1};
  std::vector<std::pair<HostId, std::string>> hosts;  // in order of preference, with their names
  std::shared_ptr<const Policy> policy = {};          // null: everything is allowed
  NameExchange exchange = {};
  NameGlobs unique{std::vector<std::string>{}};  // names that one host may have at a time; none
};

}  // namespace netbinder
