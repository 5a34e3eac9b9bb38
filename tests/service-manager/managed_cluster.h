// SPDX-License-Identifier: Apache-2.0
//
// Hosts whose context "binder" is served by the built-in service manager, as in an agent: the
// managers run after every event.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/builtin_manager.h"
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
  // The managers' turn only: nothing is delivered.
  bool run_managers();
  // Messages from a host to another wait until release().
  void hold(std::size_t from, std::size_t to) { held_ = {from, to}; }
  void release() {
    held_.reset();
    settle();
  }
  // The managers' timer: all look for clients of lazy services.
  void look();
  void disconnect(std::size_t a, std::size_t b);
  // The same, and the managers have had no turn since.
  void cut(std::size_t a, std::size_t b) { cluster_.disconnect(a, b); }
  // A new session between hosts that lost each other, both still the same.
  void connect(std::size_t a, std::size_t b);
  // The same, with what the hosts say at once, and the managers have had no turn since.
  void meet(std::size_t a, std::size_t b);

 private:
  std::size_t hosts_;
  std::optional<std::pair<std::size_t, std::size_t>> held_;
  Cluster cluster_;
  bool managers_have_work_ = false;  // any of them
  std::vector<std::unique_ptr<BuiltinManager>> managers_;
};

}  // namespace netbinder::testing
