// SPDX-License-Identifier: Apache-2.0
//
// Counts the callbacks, of all kinds, that each program of this host has registered, and limits
// them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "host/service-manager/counted.h"

namespace netbinder {

class CallbackQuota {
 public:
  static constexpr std::size_t kMax = 65536;
  static constexpr std::size_t kMaxOfProgram = 8192;

  [[nodiscard]] bool room_for(std::int32_t pid) const {
    return count_ < kMax && of_program_.of(pid) < kMaxOfProgram;
  }
  void add(std::int32_t pid) {
    ++count_;
    of_program_.add(pid);
  }
  void remove(std::int32_t pid) {
    --count_;
    of_program_.remove(pid);
  }

 private:
  std::size_t count_ = 0;
  Counted<std::int32_t> of_program_;
};

}  // namespace netbinder
