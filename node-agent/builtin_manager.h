// SPDX-License-Identifier: Apache-2.0
//
// The built-in service manager of one context: the service (node-agent/service-manager/) on a
// binder process of the agent's own. It answers handle 0 until a program becomes the context's
// manager.
//
// Owned by the Agent. Thread: the data-plane thread.
#pragma once

#include <memory>
#include <string>

#include "core/driver.h"
#include "node-agent/local_process.h"
#include "node-agent/service-manager/service_manager.h"

namespace netbinder {

class BuiltinManager {
 public:
  // `has_work` is as of LocalProcess; the driver's new peer managers are work, too.
  BuiltinManager(Driver& driver, const std::string& context, ServiceManagerSetup setup,
                 bool& has_work);

  [[nodiscard]] ProcessId id() const { return process_.id(); }
  [[nodiscard]] ProcessHost& host() { return process_; }
  [[nodiscard]] ServiceManager& service() { return service_; }
  // The agent knows the process now: begin to serve, and be handle 0.
  void start();
  // Handles what has come in. True if there was anything.
  bool run();

 private:
  Driver& driver_;
  ServiceManager service_;
  LocalProcess process_;
};

}  // namespace netbinder
