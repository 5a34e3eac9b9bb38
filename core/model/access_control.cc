// SPDX-License-Identifier: Apache-2.0
#include "core/model/access_control.h"

#include <cerrno>
#include <string_view>

#include "core/model/model.h"

namespace netbinder {

namespace {

// The log keeps static text only.
const char* reason_of(const Denial& denial) {
  const std::string_view action = denial.action;
  if (action == "add") return "policy denies registering the name";
  if (action == "find") return "policy denies finding the name";
  return "policy denies managing the context";
}

}  // namespace

std::optional<BrError> deny_call(Model& model, const Node& node, const Subject& caller,
                                 std::int32_t pid) {
  const AccessRules& rules = *node.call_rules();
  const Verdict verdict = rules.decide(caller);
  if (!verdict.denied()) return std::nullopt;
  model.effects.access_denied({.action = "call",
                               .object = rules.object(),
                               .context = node.local() ? node.owner()->context().name() : "",
                               .host = caller.host,
                               .uid = caller.uid,
                               .pid = pid,
                               .rule = verdict.rule});
  return BrError::denied(verdict.rule);
}

bool denies_managing(Model& model, const Context& context, const Subject& subject,
                     std::int32_t pid) {
  const Verdict verdict = context.manage_rules().decide(subject);
  if (!verdict.denied()) return false;
  tell_denial(model, context,
              {.action = "manage",
               .object = {},
               .context = {},
               .host = subject.host,
               .uid = subject.uid,
               .pid = pid,
               .rule = verdict.rule});
  return true;
}

void tell_denial(Model& model, const Context& context, const Denial& denial) {
  TransactionLogEntry entry;
  entry.debug_id = model.next_debug_id();
  entry.from_pid = denial.pid;
  if (denial.host != model.setup.host) entry.from_host = denial.host;
  entry.context = &context;
  entry.failed_error = -EPERM;
  entry.reason = reason_of(denial);
  entry.rule = denial.rule;
  model.failed_log.add(entry);
  Denial told = denial;
  told.context = context.name();
  model.effects.access_denied(told);
}

}  // namespace netbinder
