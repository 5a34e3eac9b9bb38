// SPDX-License-Identifier: Apache-2.0
//
// The last calls and replies, and the last of them that failed: what the driver's files
// transaction_log and failed_transaction_log show. Written in the call path: no allocation, no
// text.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "core/base/ids.h"
#include "core/model/call_trace.h"

namespace netbinder {

class Context;

struct TransactionLogEntry {
  enum class Kind : std::uint8_t { kCall, kOneway, kReply };

  std::uint32_t debug_id = 0;
  Kind kind = Kind::kCall;
  std::uint64_t at_us = 0;    // when, by the driver's clock
  std::uint64_t took_us = 0;  // of a reply, or of a failure that another host has told: since the call
  std::int32_t from_pid = 0;
  std::uint32_t from_tid = 0;
  HostId from_host;  // of a call that came from another host
  std::int32_t to_pid = 0;
  std::uint32_t to_tid = 0;  // 0: whichever thread takes it
  HostId to_host;            // of a call to another host
  const Context* context = nullptr;  // null also if it is no more
  std::uint32_t to_node = 0;  // its debug id
  std::uint32_t handle = 0;
  std::uint64_t data_size = 0;
  std::uint64_t offsets_size = 0;
  std::uint32_t failed_command = 0;  // BR_FAILED_REPLY and the like; 0 is none
  std::int32_t failed_error = 0;     // negative errno
  std::uint32_t failed_line = 0;     // the line of the driver that decided it
  const char* reason = nullptr;      // static text, where the error alone does not tell
  std::uint32_t rule = 0;            // of the policy, where that decided
  CallTrace trace;                   // of a reply: that of the call
};

class TransactionLog {
 public:
  static constexpr std::size_t kEntries = 32;

  void add(const TransactionLogEntry& entry) { entries_[added_++ % kEntries] = entry; }
  // The context is no more.
  void forget(const Context& context) {
    for (TransactionLogEntry& entry : entries_) {
      if (entry.context == &context) entry.context = nullptr;
    }
  }
  // Oldest first.
  [[nodiscard]] std::vector<TransactionLogEntry> entries() const {
    std::vector<TransactionLogEntry> kept;
    for (std::uint64_t i = added_ < kEntries ? 0 : added_ - kEntries; i < added_; ++i) {
      kept.push_back(entries_[i % kEntries]);
    }
    return kept;
  }

 private:
  std::array<TransactionLogEntry, kEntries> entries_;
  std::uint64_t added_ = 0;
};

}  // namespace netbinder
