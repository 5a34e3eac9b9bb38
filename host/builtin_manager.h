// SPDX-License-Identifier: Apache-2.0
//
// The built-in service manager of one context: the service (host/service-manager/) on a binder
// process of the host's own. It answers handle 0 until a program becomes the context's manager.
//
// Owned by the NodeHost. Thread: the data-plane thread.
#pragma once

#include <string>

#include "core/driver.h"
#include "host/local_process.h"
#include "host/service-manager/service_manager.h"

namespace netbinder {

class BuiltinManager {
 public:
  // `has_work` is passed to LocalProcess; it is also set for new peer managers of the driver.
  BuiltinManager(Driver& driver, const std::string& context, const ServiceManagerSetup& setup,
                 bool& has_work);

  [[nodiscard]] const std::string& context() const { return context_; }
  [[nodiscard]] ProcessId id() const { return process_.id(); }
  [[nodiscard]] ProcessHost& host() { return process_; }
  [[nodiscard]] ServiceManager& service() { return service_; }
  // The NodeHost knows the process now: the manager begins to serve, and becomes handle 0.
  void start();
  // Handles what has been read, and what the service has left to do; some of it at least, and
  // `has_work` is set if there is more. True if there was anything.
  bool run();

 private:
  Driver& driver_;
  const std::string context_;
  ServiceManager service_;
  LocalProcess process_;
};

}  // namespace netbinder
