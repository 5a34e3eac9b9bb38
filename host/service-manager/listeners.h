// SPDX-License-Identifier: Apache-2.0
//
// Callbacks of programs that ask to be notified when a name is registered.
//
// Owned by the ServiceManager.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/ids.h"
#include "host/caller.h"
#include "host/service-manager/callback_quota.h"
#include "host/service-manager/dialect.h"
#include "host/service-manager/held_handles.h"
#include "host/service-manager/name_access.h"
#include "host/service-manager/registered_service.h"

namespace netbinder {

class LocalProcess;

struct Listener {
  Handle callback;
  Caller caller;
  std::int32_t pid = 0;
  std::uint32_t header = 0;  // of the interface token this client uses
  Dialect dialect = Dialect::kAndroid14;
};

class Listeners {
 public:
  Listeners(HeldHandles& handles, CallbackQuota& quota, const NameAccess& access)
      : handles_(handles), quota_(quota), access_(access) {}
  // To be called before anything else.
  void attach(LocalProcess& process) { process_ = &process; }

  void add(const std::string& name, const Listener& listener);
  // False if there is no such callback.
  bool remove(const std::string& name, Handle callback);
  // Takes time in proportion to the names that it waits for, and to who else waits for them.
  void remove_dead(Handle callback);

  // Those who may not find the name any more are not told.
  void tell(const std::string& name, const Listener& listener, const RegisteredService& service);
  [[nodiscard]] bool wait_for(const std::string& name) const { return listeners_.contains(name); }
  // Notifies all callbacks that wait for the name.
  void tell(const std::string& name, const RegisteredService& service);

 private:
  HeldHandles& handles_;
  CallbackQuota& quota_;
  const NameAccess& access_;
  LocalProcess* process_ = nullptr;
  std::map<std::string, std::vector<Listener>> listeners_;
  std::map<Handle, std::set<std::string>> names_of_;  // by callback
};

}  // namespace netbinder
