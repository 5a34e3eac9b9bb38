// SPDX-License-Identifier: Apache-2.0
//
// Why a call or a reply failed: the BR_* command that its caller reads, the negative errno of the
// extended error, and the line of this driver that decided it. A plain value.
#pragma once

#include <cerrno>
#include <cstdint>
#include <source_location>

#include "core/base/uapi.h"

namespace netbinder {

enum class BrFailure : std::uint32_t {
  kFailedReply = BR_FAILED_REPLY,
  kDeadReply = BR_DEAD_REPLY,
  kFrozenReply = BR_FROZEN_REPLY,
};

class BrError {
 public:
  // `error` is 0 or a negative errno, `reason` static text for the log. The line goes to the logs,
  // as it does in the kernel's.
  explicit BrError(BrFailure failure, int error, const char* reason = nullptr,
                   std::source_location where = std::source_location::current())
      : failure_(failure), error_(error), line_(where.line()), reason_(reason) {}

  static BrError failed(int error, const char* reason = nullptr,
                        std::source_location where = std::source_location::current()) {
    return BrError(BrFailure::kFailedReply, error, reason, where);
  }
  // As the kernel answers for SELinux. `rule` is the number of the rule that denied it.
  static BrError denied(std::uint32_t rule,
                        std::source_location where = std::source_location::current()) {
    BrError error(BrFailure::kFailedReply, -EPERM, "policy denies the call", where);
    error.rule_ = rule;
    return error;
  }
  static BrError dead(int error = 0, std::source_location where = std::source_location::current()) {
    return BrError(BrFailure::kDeadReply, error, nullptr, where);
  }
  static BrError frozen(std::source_location where = std::source_location::current()) {
    return BrError(BrFailure::kFrozenReply, 0, nullptr, where);
  }

  // The same, with a reason for the log; null leaves it as it is.
  [[nodiscard]] BrError because(const char* reason) const {
    BrError same = *this;
    if (reason != nullptr) same.reason_ = reason;
    return same;
  }

  [[nodiscard]] BrFailure failure() const { return failure_; }
  [[nodiscard]] std::uint32_t command() const { return static_cast<std::uint32_t>(failure_); }
  [[nodiscard]] std::int32_t error() const { return error_; }
  [[nodiscard]] std::uint32_t line() const { return line_; }
  [[nodiscard]] const char* reason() const { return reason_; }
  [[nodiscard]] std::uint32_t rule() const { return rule_; }

 private:
  BrFailure failure_;
  std::int32_t error_;
  std::uint32_t line_;
  const char* reason_;
  std::uint32_t rule_ = 0;  // of the policy, where that decided
};

}  // namespace netbinder
