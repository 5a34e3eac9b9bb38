// SPDX-License-Identifier: Apache-2.0
//
// The callbacks of programs that wait for HIDL services (registerForNotifications).
//
// Owned by the ServiceManager.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "host/caller.h"
#include "host/service-manager/callback_quota.h"
#include "host/service-manager/held_handles.h"
#include "host/service-manager/name_access.h"

namespace netbinder {

class LocalProcess;

class HidlListeners {
 public:
  HidlListeners(HeldHandles& handles, CallbackQuota& quota, const NameAccess& access)
      : handles_(handles), quota_(quota), access_(access) {}
  // To be called before anything else.
  void attach(LocalProcess& process) { process_ = &process; }

  struct Listener {
    std::string interface;
    std::string instance;  // empty: any
    Handle callback;
    Caller caller;
    std::int32_t pid = 0;
  };
  void add(const Listener& listener);
  // Removes those with that callback, interface and (unless empty) instance. False: there are none.
  bool remove(const std::string& interface, const std::string& instance, Handle callback);
  void remove_dead(Handle callback);

  // A service has been registered. `name` is INTERFACE/INSTANCE; other names are ignored.
  void tell(const std::string& name) const;
  // Notifies one listener of a service that was registered before.
  void tell_of_old(const Listener& listener, const std::string& instance) const;

 private:
  void tell(const Listener& listener, const std::string& instance, bool before) const;

  HeldHandles& handles_;
  CallbackQuota& quota_;
  const NameAccess& access_;
  LocalProcess* process_ = nullptr;
  template <typename Goes>
  std::size_t remove_if(const std::string& interface, const Goes& goes);

  std::map<std::string, std::vector<Listener>> listeners_;  // by interface
  std::map<Handle, std::set<std::string>> interfaces_of_;   // by callback
};

}  // namespace netbinder
