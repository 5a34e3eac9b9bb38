// SPDX-License-Identifier: Apache-2.0
//
// Applies the host's policy to names: who may register and find them, and which nodes have rules
// about being called. A node's names are those under which a program of its owner's user, or
// root's, has registered it on its own host: whoever else has a handle to it can give it none.
//
// Owned by the ServiceManager.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "core/base/ids.h"
#include "host/caller.h"
#include "host/local_service.h"
#include "host/policy/policy.h"
#include "host/service-manager/registered_service.h"

namespace netbinder {

class LocalProcess;

class NameAccess {
 public:
  explicit NameAccess(std::string context, std::shared_ptr<const Policy> policy);
  // To be called before anything else.
  void attach(LocalProcess& process) { process_ = &process; }
  // Those who were denied something are not told that they may do it now.
  void set_policy(std::shared_ptr<const Policy> policy);

  // Whether any rule is about finding: if not, nobody need be asked.
  [[nodiscard]] bool restricts_finding() const { return finding_; }
  // The host is told of each denial.
  [[nodiscard]] bool may_add(const Caller& caller, const std::string& name);
  [[nodiscard]] bool may_find(const Caller& caller, const std::string& name);
  // The same, silently: for lists, and for what is told to listeners.
  [[nodiscard]] bool sees(const Caller& caller, const std::string& name) const;

  // ---- names of nodes, as the name table has them ----
  void registered(const std::string& name, const RegisteredService& service);
  void dropped(const std::string& name, const RegisteredService& service);

 private:
  [[nodiscard]] bool may(const char* what, Action action, bool concerned, const Caller& caller,
                         const std::string& name);
  void give_rules(Handle handle, const std::set<std::string>& names);

  const std::string context_;
  std::shared_ptr<const Policy> policy_;  // never null
  // Whether any rule is about it.
  bool adding_ = false;
  bool finding_ = false;
  bool calling_ = false;
  LocalProcess* process_ = nullptr;
  std::map<Handle, std::set<std::string>> names_of_;
};

}  // namespace netbinder
