// SPDX-License-Identifier: Apache-2.0
//
// The states of a thread as a looper, as it has declared them. Part of its thread.
//
//   none -> entered                BC_ENTER_LOOPER: the program made the thread by itself
//   none -> registered             BC_REGISTER_LOOPER: the driver had asked for it
//   entered <-> registered         both are set then, and the thread is invalid as well
//   none -> registered, invalid    registered without having been asked for
//   any -> exited                  BC_EXIT_LOOPER
// No edge leads back: a thread that is invalid or has exited stays so and keeps being served, as
// with the kernel's driver; only the debug files show it.
#pragma once

#include <cstdint>

namespace netbinder {

class Looper {
 public:
  void enter() {
    if ((bits_ & kRegistered) != 0) bits_ |= kInvalid;
    bits_ |= kEntered;
  }
  enum class Asked { kYes, kNo };
  void register_looper(Asked asked) {
    if (asked == Asked::kNo || (bits_ & kEntered) != 0) bits_ |= kInvalid;
    bits_ |= kRegistered;
  }
  void exit() { bits_ |= kExited; }

  [[nodiscard]] bool has_entered() const { return (bits_ & kEntered) != 0; }
  [[nodiscard]] bool serves() const { return (bits_ & (kRegistered | kEntered)) != 0; }

  void begin_waiting() { bits_ |= kWaiting; }
  void end_waiting() { bits_ &= ~static_cast<std::uint32_t>(kWaiting); }

  // As the debug files print them.
  [[nodiscard]] std::uint32_t bits() const { return bits_; }

 private:
  enum Bit : std::uint32_t {
    kRegistered = 0x01,
    kEntered = 0x02,
    kExited = 0x04,
    kInvalid = 0x08,
    kWaiting = 0x10,
  };
  std::uint32_t bits_ = 0;
};

}  // namespace netbinder
