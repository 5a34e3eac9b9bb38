// SPDX-License-Identifier: Apache-2.0
//
// The channels and the data-plane time that each user's programs use. A user who uses much waits
// for the others, and never the other way round.
//
// Owned by ProgramChannels; each channel shares its user's account. Thread: the data-plane thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>

namespace netbinder {

class UserAccount {
 public:
  explicit UserAccount(std::uint32_t uid) : uid_(uid) {}

  [[nodiscard]] std::uint32_t uid() const { return uid_; }
  [[nodiscard]] std::uint32_t channels() const { return channels_; }

  // ---- time ----
  // How long the programs of one user are handled in one turn of the loop, if other users have
  // requests.
  static constexpr std::uint64_t kShareNs = 250'000;
  // Work that takes longer than kLongNs in one piece is paid back: the user is not handled for this
  // many times as long while others are, within a bound.
  static constexpr std::uint64_t kPayBack = 50;
  static constexpr std::uint64_t kLongNs = 1'000'000;
  static constexpr std::uint64_t kMaxPauseNs = 1'000'000'000;

  [[nodiscard]] bool may_run(std::uint64_t turn, std::uint64_t now_ns) const {
    return now_ns >= paused_until_ns_ && (turn != turn_ || spent_ns_ < kShareNs);
  }
  void has_run(std::uint64_t turn, std::uint64_t began_ns, std::uint64_t now_ns) {
    if (turn != turn_) spent_ns_ = 0;
    turn_ = turn;
    spent_ns_ += now_ns - began_ns;
  }
  // Something took `spent` of processor time, which excludes time that others had it. Root's
  // programs pay nothing back.
  void took_long(std::uint64_t spent, std::uint64_t now_ns) {
    if (spent <= kLongNs || uid_ == 0) return;
    paused_until_ns_ = now_ns + std::min((spent - kLongNs) * kPayBack, kMaxPauseNs);
  }

 private:
  friend class UserAccounts;
  std::uint32_t uid_;
  std::uint32_t channels_ = 0;
  std::uint64_t turn_ = 0;
  std::uint64_t spent_ns_ = 0;         // in that turn
  std::uint64_t paused_until_ns_ = 0;
};

class UserAccounts {
 public:
  // A channel of the user begins or ends.
  UserAccount& channel_begins(std::uint32_t uid) {
    auto& account = accounts_.try_emplace(uid, uid).first->second;
    ++account.channels_;
    return account;
  }
  void channel_ends(UserAccount& account) {
    if (--account.channels_ == 0) accounts_.erase(account.uid());
  }
  [[nodiscard]] std::uint32_t channels_of(std::uint32_t uid) const {
    const auto found = accounts_.find(uid);
    return found == accounts_.end() ? 0 : found->second.channels();
  }
  [[nodiscard]] const std::map<std::uint32_t, UserAccount>& all() const { return accounts_; }

 private:
  std::map<std::uint32_t, UserAccount> accounts_;
};

}  // namespace netbinder
