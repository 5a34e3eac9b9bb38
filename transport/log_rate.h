// SPDX-License-Identifier: Apache-2.0
//
// How many records of each kind the log takes: some at once, and a few a second after that. What is
// left out is counted, and told with the next one.
//
// Reads no clock. Owned by the log, which locks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <utility>

namespace netbinder::log {

class LogRate {
 public:
  static constexpr std::uint64_t kBurst = 50;
  static constexpr std::uint64_t kIntervalMs = 100;  // after which there may be one more

  struct Verdict {
    bool taken = false;
    std::uint64_t left_out = 0;  // before this one, if it is taken
  };

  // `kind` is compared as an address: there are as many as there are places that log.
  [[nodiscard]] Verdict admit(const void* kind, std::uint64_t now_ms) {
    Account& account = accounts_.try_emplace(kind, Account{kBurst, now_ms, 0}).first->second;
    const std::uint64_t more = (now_ms - account.since_ms) / kIntervalMs;
    account.left = std::min(account.left + more, kBurst);
    account.since_ms += more * kIntervalMs;
    if (account.left == 0) {
      ++account.left_out;
      return {};
    }
    --account.left;
    return {.taken = true, .left_out = std::exchange(account.left_out, 0)};
  }

 private:
  struct Account {
    std::uint64_t left = kBurst;  // that may still be written
    std::uint64_t since_ms = 0;   // when that was so
    std::uint64_t left_out = 0;
  };
  std::unordered_map<const void*, Account> accounts_;
};

}  // namespace netbinder::log
