// SPDX-License-Identifier: Apache-2.0
//
// The service managers of other hosts, and the oneway calls that they are sent (protocol.h).
//
// Owned by the ServiceManager.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "host/parcel.h"
#include "host/service-manager/held_handles.h"
#include "host/service-manager/registered_service.h"

namespace netbinder {

class LocalProcess;

class OtherManagers {
 public:
  explicit OtherManagers(HeldHandles& handles) : handles_(handles) {}
  // To be called before anything else.
  void attach(LocalProcess& process) { process_ = &process; }

  // Takes over the one strong reference that comes with the handle.
  void connected(HostId host, Handle manager);
  // Removes the managers of a handle whose node has died; returns their hosts.
  std::vector<HostId> remove_dead(Handle handle);

  [[nodiscard]] bool empty() const { return managers_.empty(); }
  [[nodiscard]] bool contains(HostId host) const { return managers_.contains(host); }
  [[nodiscard]] std::vector<HostId> hosts() const;

  // Publishes a service of this host, to one of them or to all.
  void publish(HostId host, const std::string& name, const RegisteredService& service);
  void publish(const std::string& name, const RegisteredService& service);
  // If the manager has gone, the message is dropped.
  void send(HostId host, std::uint32_t code, const std::string& name, std::uint32_t number,
            std::uint32_t word);
  void call(HostId host, std::uint32_t code, ParcelBytes parcel);
  // To all of them: forget a service of this host, or publish again what leads to that host.
  void forget(const std::string& name);
  void refresh(HostId home);

 private:
  HeldHandles& handles_;
  LocalProcess* process_ = nullptr;
  std::map<HostId, Handle> managers_;
};

}  // namespace netbinder
