// SPDX-License-Identifier: Apache-2.0
//
// The service managers of other hosts, and the oneway calls that they are sent (protocol.h).
//
// Owned by the ServiceManager.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/ids.h"
#include "host/policy/name_exchange.h"
#include "host/service-manager/held_handles.h"
#include "host/service-manager/protocol.h"
#include "host/service-manager/registered_service.h"
#include "parcel/view.h"

namespace netbinder {

class LocalProcess;

class OtherManagers {
 public:
  OtherManagers(HeldHandles& handles, NameExchange exchange)
      : handles_(handles), exchange_(std::move(exchange)) {}
  // To be called before anything else.
  void attach(LocalProcess& process) { process_ = &process; }

  // Takes over the one strong reference that comes with the handle.
  void connected(HostId host, Handle manager);
  // Removes the managers of a handle whose node has died; returns their hosts.
  std::vector<HostId> remove_dead(Handle handle);

  [[nodiscard]] bool empty() const { return managers_.empty(); }
  [[nodiscard]] bool contains(HostId host) const { return managers_.contains(host); }
  [[nodiscard]] std::vector<HostId> hosts() const;
  // Those that are shown that name of this host.
  [[nodiscard]] std::vector<HostId> hosts_that_see(const std::string& name) const;

  // The filter of names between hosts. Publishing and asking keep to it; names that were published
  // are the caller's to forget.
  [[nodiscard]] const NameExchange& exchange() const { return exchange_; }
  void set_exchange(NameExchange exchange) { exchange_ = std::move(exchange); }

  // Publishes a service of this host, to one of them or to all; not to those that are not to see
  // it.
  void publish(HostId host, const std::string& name, const RegisteredService& service);
  void publish(const std::string& name, const RegisteredService& service);
  // If the manager has gone, the message is dropped.
  void send(HostId host, std::uint32_t code, const std::string& name, std::uint32_t number,
            std::uint32_t word);
  void call(HostId host, std::uint32_t code, ParcelBytes parcel);
  // To all of them: forget a service of this host, or publish again what leads to that host.
  void forget(HostId host, const std::string& name) { send(host, kPeerForget, name, 0, 0); }
  void forget(const std::string& name);
  void refresh(HostId home);
  // To one: publish all your names again.
  void ask_for_names(HostId host, const std::vector<HostId>& homes);

 private:
  HeldHandles& handles_;
  NameExchange exchange_;
  LocalProcess* process_ = nullptr;
  std::map<HostId, Handle> managers_;
};

}  // namespace netbinder
