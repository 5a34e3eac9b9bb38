// SPDX-License-Identifier: Apache-2.0
//
// Hosts whose context "binder" is served by the built-in service manager, as in an agent: the
// managers have their turn after every event.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "node-agent/builtin_manager.h"
#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {

class ManagedCluster {
 public:
  explicit ManagedCluster(std::size_t hosts = 1, const std::string& dialect = "auto");
  ~ManagedCluster();

  [[nodiscard]] Host& host(std::size_t number) { return cluster_.host(number); }
  [[nodiscard]] ServiceManager& manager(std::size_t number) {
    return managers_.at(number - 1)->service();
  }
  // Delivers messages and lets the managers work until nothing is left to do.
  void settle();
  void disconnect(std::size_t a, std::size_t b);
  // A new session between hosts that lost each other, both still the same.
  void connect(std::size_t a, std::size_t b);

 private:
  bool run_managers();

  std::size_t hosts_;
  Cluster cluster_;
  std::vector<std::unique_ptr<BuiltinManager>> managers_;
};

}  // namespace netbinder::testing
