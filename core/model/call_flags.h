// SPDX-License-Identifier: Apache-2.0
//
// The TF_* flags of a call or a reply, as a type of their own.
#pragma once

#include <cstdint>

#include "core/base/uapi.h"

namespace netbinder {

class CallFlags {
 public:
  CallFlags() = default;
  explicit constexpr CallFlags(std::uint32_t bits) : bits_(bits) {}

  [[nodiscard]] constexpr std::uint32_t bits() const { return bits_; }
  [[nodiscard]] constexpr bool oneway() const { return (bits_ & TF_ONE_WAY) != 0; }
  [[nodiscard]] constexpr bool accept_fds() const { return (bits_ & TF_ACCEPT_FDS) != 0; }
  // The buffer is zeroed when it is freed.
  [[nodiscard]] constexpr bool clear_buffer() const { return (bits_ & kTfClearBuf) != 0; }
  // This oneway call replaces an older one like it that a frozen process has not read.
  [[nodiscard]] constexpr bool update() const { return (bits_ & kTfUpdateTxn) != 0; }
  friend constexpr bool operator==(CallFlags, CallFlags) = default;

 private:
  std::uint32_t bits_ = 0;
};

}  // namespace netbinder
