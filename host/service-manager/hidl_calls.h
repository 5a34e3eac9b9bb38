// SPDX-License-Identifier: Apache-2.0
//
// The requests of HIDL clients, answered as hwservicemanager does (versions 1.0 to 1.2). Services
// are in the table of names as INTERFACE/INSTANCE, so they are treated as all others are: they are
// known on every host, and end with their programs.
//
// Owned by the ServiceManager.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/local_service.h"
#include "host/service-manager/callback_quota.h"
#include "host/service-manager/held_handles.h"
#include "host/service-manager/hidl_listeners.h"
#include "host/service-manager/name_access.h"
#include "host/service-manager/name_table.h"
#include "host/service-manager/other_managers.h"
#include "host/service-manager/registered_service.h"
#include "parcel/view.h"

namespace netbinder {

class LocalProcess;

[[nodiscard]] bool is_hidl_name(const std::string& name);
// Whether a request begins as those of HIDL clients do.
[[nodiscard]] bool is_hidl_token(ParcelView parcel);

class HidlCalls {
 public:
  // Puts a service into the table, and notifies the programs that wait for it.
  using Put = std::function<void(const std::string& name, RegisteredService service)>;

  HidlCalls(NameTable& names, NameAccess& access, OtherManagers& managers, HeldHandles& handles,
            CallbackQuota& quota, Put put)
      : names_(names),
        access_(access),
        managers_(managers),
        quota_(quota),
        put_(std::move(put)),
        listeners_(handles, quota, access) {}
  // To be called before anything else.
  void attach(LocalProcess& process) {
    process_ = &process;
    listeners_.attach(process);
  }

  // Nothing if it is answered later.
  std::optional<OutgoingReply> call(const IncomingCall& call);
  [[nodiscard]] HidlListeners& listeners() { return listeners_; }

 private:
  std::optional<OutgoingReply> add_by_asking(const IncomingCall& call, const std::string& instance,
                                             Handle handle);
  // All of the chain's names, or none.
  bool add(const std::string& instance, const std::vector<std::string>& chain,
           const RegisteredService& service, const Caller& caller);

  NameTable& names_;
  NameAccess& access_;
  OtherManagers& managers_;
  CallbackQuota& quota_;
  Put put_;
  LocalProcess* process_ = nullptr;
  HidlListeners listeners_;
};

}  // namespace netbinder
