// SPDX-License-Identifier: Apache-2.0
#include "host/service-manager/name_access.h"

#include <utility>
#include <vector>

#include "host/local_process.h"
#include "host/service-manager/protocol.h"

namespace netbinder {

NameAccess::NameAccess(std::string context, std::shared_ptr<const Policy> policy)
    : context_(std::move(context)) {
  set_policy(std::move(policy));
}

void NameAccess::set_policy(std::shared_ptr<const Policy> policy) {
  const bool called_before = calling_;
  policy_ = policy != nullptr ? std::move(policy) : std::make_shared<const Policy>();
  adding_ = policy_->concerns(Action::kAdd, context_);
  finding_ = policy_->concerns(Action::kFind, context_);
  calling_ = policy_->concerns(Action::kCall, context_);
  if (!calling_ && !called_before) return;
  for (const auto& [handle, names] : names_of_) give_rules(handle, names);
}

bool NameAccess::may_add(const Caller& caller, const std::string& name) {
  return may("add", Action::kAdd, adding_, caller, name);
}

bool NameAccess::may_find(const Caller& caller, const std::string& name) {
  return may("find", Action::kFind, finding_, caller, name);
}

bool NameAccess::sees(const Caller& caller, const std::string& name) const {
  if (!finding_) return true;
  return caller.known() &&
         !policy_->decide(Action::kFind, context_, name, caller.subject()).denied();
}

bool NameAccess::may(const char* what, Action action, bool concerned, const Caller& caller,
                     const std::string& name) {
  if (!concerned) return true;
  Verdict verdict{.permission = Permission::kDenied, .rule = 0};
  if (caller.known()) verdict = policy_->decide(action, context_, name, caller.subject());
  if (!verdict.denied()) return true;
  process_->tell_denial({.action = what,
                         .object = name.substr(0, kMaxNameBytes),
                         .context = {},
                         .host = caller.subject().host,
                         .uid = caller.subject().uid,
                         .pid = caller.pid(),
                         .rule = verdict.rule});
  return false;
}

// ---- names of nodes ----

void NameAccess::registered(const std::string& name, const RegisteredService& service) {
  if (service.host != service.home || service.handle == kItself) return;
  const auto owner = process_->owner_of(service.handle);
  if (!owner || (*owner != service.uid && service.uid != kRoot)) return;
  std::set<std::string>& names = names_of_[service.handle];
  if (names.insert(name).second && calling_) give_rules(service.handle, names);
}

void NameAccess::dropped(const std::string& name, const RegisteredService& service) {
  const auto found = names_of_.find(service.handle);
  if (found == names_of_.end() || found->second.erase(name) == 0) return;
  if (calling_) give_rules(service.handle, found->second);
  if (found->second.empty()) names_of_.erase(found);
}

void NameAccess::give_rules(Handle handle, const std::set<std::string>& names) {
  const std::vector<std::string> all(names.begin(), names.end());
  process_->set_call_rules(
      handle, all.empty() ? AccessRules() : policy_->rules_for(Action::kCall, context_, all));
}

}  // namespace netbinder
