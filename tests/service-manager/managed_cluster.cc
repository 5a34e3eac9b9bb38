// SPDX-License-Identifier: Apache-2.0
#include "tests/service-manager/managed_cluster.h"

namespace netbinder::testing {

ManagedCluster::ManagedCluster(std::size_t hosts, const std::string& dialect)
    : hosts_(hosts), cluster_(hosts) {
  for (std::size_t number = 1; number <= hosts; ++number) {
    ServiceManagerSetup setup;
    setup.context = "binder";
    setup.dialect = dialect;
    setup.host = HostId{static_cast<std::uint32_t>(number)};
    for (std::size_t other = 1; other <= hosts; ++other) {
      setup.hosts.emplace_back(HostId{static_cast<std::uint32_t>(other)},
                               "host" + std::to_string(other));
    }
    auto manager = std::make_unique<BuiltinManager>(host(number).driver, "binder",
                                                    std::move(setup), managers_have_work_);
    ProcessHost* process = &manager->host();
    host(number).others[manager->id().value()] = [process](ThreadId thread,
                                                           const IoctlResult& result) {
      process->ioctl_done(thread, result);
    };
    manager->start();
    managers_.push_back(std::move(manager));
  }
  settle();
}

ManagedCluster::~ManagedCluster() {
  managers_.clear();
  cluster_.settle();
}

bool ManagedCluster::run_managers() {
  bool any = false;
  for (auto& manager : managers_) any = manager->run() || any;
  return any;
}

void ManagedCluster::settle() {
  bool more = true;
  while (more) {
    more = run_managers();
    for (std::size_t number = 1; number <= hosts_; ++number) {
      more = more || host(number).driver.has_more();
      host(number).driver.go_on();
    }
    for (std::size_t from = 1; from <= hosts_; ++from) {
      for (std::size_t to = 1; to <= hosts_; ++to) {
        if (from == to || held_ == std::pair(from, to)) continue;
        if (!cluster_.deliver_one(from, to)) continue;
        run_managers();
        more = true;
      }
    }
  }
  for (std::size_t number = 1; number <= hosts_; ++number) {
    host(number).driver.check_invariants();
  }
}

void ManagedCluster::look() {
  for (auto& manager : managers_) {
    if (manager->service().needs_looks()) manager->service().look();
  }
  settle();
}

void ManagedCluster::disconnect(std::size_t a, std::size_t b) {
  cluster_.disconnect(a, b);
  settle();
}

void ManagedCluster::connect(std::size_t a, std::size_t b) {
  meet(a, b);
  settle();
}

void ManagedCluster::meet(std::size_t a, std::size_t b) {
  const auto see = [&](std::size_t here, std::size_t there) {
    host(here).driver.peer_connected(HostId{static_cast<std::uint32_t>(there)},
                                     Incarnation{there * 1000ULL},  // as the fixture has it
                                     "host" + std::to_string(there));
    manager(here).host_reachable(HostId{static_cast<std::uint32_t>(there)});
  };
  see(a, b);
  see(b, a);
  while (cluster_.deliver_one(a, b) || cluster_.deliver_one(b, a)) {
  }
}

}  // namespace netbinder::testing
