// SPDX-License-Identifier: Apache-2.0
//
// How many calls and replies there have been, by kind, by the hosts that they went between, and by
// how sending them ended: a call that was sent may still fail, which its caller reads. Monotone.
//
// Owned by a Context; another one, of the Model, has those that did not get as far as a context.
// Written in the call path: no allocation, no text. Thread: the driver's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/uapi.h"
#include "core/model/transaction_log.h"

namespace netbinder {

class CallCounts {
 public:
  using Kind = TransactionLogEntry::Kind;
  enum class Way : std::uint8_t { kLocal, kToPeer, kFromPeer };
  enum class Result : std::uint8_t { kSent, kFailed, kDead, kFrozen, kDenied };
  static constexpr std::size_t kKinds = 3;
  static constexpr std::size_t kWays = 3;
  static constexpr std::size_t kResults = 5;

  void add(const TransactionLogEntry& entry) {
    ++counts_[index(entry.kind, way_of(entry), result_of(entry))];
  }
  [[nodiscard]] std::uint64_t of(Kind kind, Way way, Result result) const {
    return counts_[index(kind, way, result)];
  }

 private:
  static std::size_t index(Kind kind, Way way, Result result) {
    return (static_cast<std::size_t>(kind) * kWays + static_cast<std::size_t>(way)) * kResults +
           static_cast<std::size_t>(result);
  }
  static Way way_of(const TransactionLogEntry& entry) {
    if (entry.from_host != HostId{}) return Way::kFromPeer;
    return entry.to_host != HostId{} ? Way::kToPeer : Way::kLocal;
  }
  static Result result_of(const TransactionLogEntry& entry) {
    switch (entry.failed_command) {
      case 0:
        return Result::kSent;
      case BR_DEAD_REPLY:
        return Result::kDead;
      case BR_FROZEN_REPLY:
        return Result::kFrozen;
      default:
        return entry.rule != 0 ? Result::kDenied : Result::kFailed;
    }
  }

  std::array<std::uint64_t, kKinds * kWays * kResults> counts_{};
};

}  // namespace netbinder
