// SPDX-License-Identifier: Apache-2.0
//
// The configured policy: rules about who may do what. They are in order; the first that matches
// decides. A request that no rule matches is allowed.
//   add     register a name with the built-in service manager
//   find    look a name up there, list it, be told of it
//   call    call a node that its owner has registered under a name
//   manage  become a context's manager; this has no name
//
// A pure decision: nothing here knows a program, a socket or a clock. What is called often, calls
// and claims, is compiled into AccessRules for one object.
//
// Plain values; no thread of their own.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/model/access_rules.h"
#include "host/policy/name_globs.h"

namespace netbinder {

enum class Action : std::uint8_t { kAdd, kFind, kCall, kManage };

[[nodiscard]] const char* name_of(Action action);

struct PolicyRule {
  std::string context;  // empty: of every context
  std::vector<Who> who;
  std::vector<Action> actions;
  NameGlobs names;
  Permission permission = Permission::kAllowed;
};

class Policy {
 public:
  Policy() = default;
  // They are numbered from 1.
  explicit Policy(std::vector<PolicyRule> rules) : rules_(std::move(rules)) {}

  // Whether any rule of that context is about the action.
  [[nodiscard]] bool concerns(Action action, std::string_view context) const;
  [[nodiscard]] Verdict decide(Action action, std::string_view context, std::string_view name,
                               const Subject& subject) const;
  // The rules about an object with these names. A rule about any of them is about the object.
  [[nodiscard]] AccessRules rules_for(Action action, std::string_view context,
                                      std::span<const std::string> names) const;
  // The rules about becoming the context's manager.
  [[nodiscard]] AccessRules manage_rules(std::string_view context) const;

 private:
  std::vector<PolicyRule> rules_;
};

}  // namespace netbinder
