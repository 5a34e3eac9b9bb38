// SPDX-License-Identifier: Apache-2.0
//
// Lines of the log about what the policy has denied, limited in rate: a user whose programs are
// denied much neither fills the log nor hides what others were denied.
//
// Owned by the Agent. Thread: the data-plane thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/model/access_rules.h"
#include "node-agent/allowance.h"

namespace netbinder {

class DenialLog {
 public:
  static constexpr std::uint32_t kBurst = 5;          // lines of a user at once
  static constexpr std::uint64_t kIntervalMs = 1000;  // after which there may be one more
  static constexpr std::size_t kMaxUsers = 256;       // those beyond have one account together

  // The line for it; nothing if the user has had enough of them. `host` is the program's, by name,
  // or empty if it is this one.
  std::optional<std::string> line(const Denial& denial, std::string_view host,
                                  std::uint64_t now_ms);

 private:
  struct Account {
    Allowance<kBurst, kIntervalMs> lines;
    std::uint64_t left_out = 0;
  };
  using User = std::pair<HostId, std::uint32_t>;
  Account& account_of(const User& user, std::uint64_t now_ms);

  std::map<User, Account> accounts_;
  Account others_{.lines = Allowance<kBurst, kIntervalMs>(0)};
};

}  // namespace netbinder
