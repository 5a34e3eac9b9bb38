// SPDX-License-Identifier: Apache-2.0
#include "node-agent/denial_log.h"

#include <fmt/format.h>

#include "cluster-config/quote.h"

namespace netbinder {

DenialLog::Account& DenialLog::account_of(const User& user, std::uint64_t now_ms) {
  if (const auto found = accounts_.find(user); found != accounts_.end()) return found->second;
  if (accounts_.size() >= kMaxUsers) {
    // Those who have been quiet for long need no account.
    std::erase_if(accounts_, [now_ms](const auto& each) {
      return each.second.left_out == 0 && each.second.lines.is_full(now_ms);
    });
  }
  if (accounts_.size() >= kMaxUsers) return others_;
  return accounts_.emplace(user, Account{.lines = Allowance<kBurst, kIntervalMs>(now_ms)})
      .first->second;
}

std::optional<std::string> DenialLog::line(const Denial& denial, std::string_view host,
                                           std::uint64_t now_ms) {
  Account& account = account_of({denial.host, denial.uid}, now_ms);
  if (!account.lines.take(now_ms)) {
    ++account.left_out;
    return std::nullopt;
  }
  std::string text = fmt::format("policy denies uid {}", denial.uid);
  if (!host.empty()) text += fmt::format(" of host {}", host);
  if (denial.pid != 0) text += fmt::format(" (pid {})", denial.pid);
  text += fmt::format(" to {}", denial.action);
  // Programs choose these names.
  if (!denial.object.empty()) text += " " + config_text::quote(denial.object);
  text += " in context " + denial.context;
  text += denial.rule != 0 ? fmt::format(": rule {}", denial.rule)
                           : std::string(": who asks with a oneway call is not known");
  if (account.left_out != 0) {
    text += fmt::format(" ({} more were not logged)", std::exchange(account.left_out, 0));
  }
  return text;
}

}  // namespace netbinder
