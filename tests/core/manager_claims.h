// SPDX-License-Identifier: Apache-2.0
//
// Programs that want to be their context's manager.
#pragma once

#include <string>

#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {

// BINDER_SET_CONTEXT_MGR. How it ends is the outcome of thread 1.
inline void begin_claim(Program& program) {
  std::int32_t unused = 0;
  program.host().driver.control(program.id(), ThreadId{1}, BINDER_SET_CONTEXT_MGR,
                                {reinterpret_cast<std::byte*>(&unused), sizeof unused});
}

// The manager of the first context, as a host knows it.
inline std::string manager_at(Cluster& cluster, std::size_t host) {
  return cluster.host(host).driver.contexts().front().manager;
}

}  // namespace netbinder::testing
