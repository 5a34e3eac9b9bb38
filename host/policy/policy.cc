// SPDX-License-Identifier: Apache-2.0
#include "host/policy/policy.h"

#include <algorithm>

#include "core/base/check.h"

namespace netbinder {

namespace {

bool is_about(const PolicyRule& rule, Action action, std::string_view context) {
  return (rule.context.empty() || rule.context == context) &&
         std::ranges::find(rule.actions, action) != rule.actions.end();
}

}  // namespace

const char* name_of(Action action) {
  switch (action) {
    case Action::kAdd:
      return "add";
    case Action::kFind:
      return "find";
    case Action::kCall:
      return "call";
    case Action::kManage:
      return "manage";
  }
  NB_UNREACHABLE();
}

bool Policy::concerns(Action action, std::string_view context) const {
  return std::ranges::any_of(
      rules_, [&](const PolicyRule& rule) { return is_about(rule, action, context); });
}

Verdict Policy::decide(Action action, std::string_view context, std::string_view name,
                       const Subject& subject) const {
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const PolicyRule& rule = rules_[i];
    if (is_about(rule, action, context) &&
        std::ranges::any_of(rule.who, [&](const Who& who) { return who.matches(subject); }) &&
        (action == Action::kManage || rule.names.contain(name))) {
      return {.permission = rule.permission, .rule = static_cast<std::uint32_t>(i + 1)};
    }
  }
  return {};
}

AccessRules Policy::rules_for(Action action, std::string_view context,
                              std::span<const std::string> names) const {
  AccessRules made(names.empty() ? std::string() : names.front());
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const PolicyRule& rule = rules_[i];
    if (!is_about(rule, action, context)) continue;
    const bool named =
        action == Action::kManage || std::ranges::any_of(names, [&](const std::string& name) {
          return rule.names.contain(name);
        });
    if (!named) continue;
    made.add(rule.who, {.permission = rule.permission, .rule = static_cast<std::uint32_t>(i + 1)});
  }
  return made;
}

AccessRules Policy::manage_rules(std::string_view context) const {
  return rules_for(Action::kManage, context, {});
}

}  // namespace netbinder
