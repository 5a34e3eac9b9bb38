// SPDX-License-Identifier: Apache-2.0
//
// The name of a program as the kernel shows it: that of its file, cut off, unless it has chosen
// another one. It is for people to read, and nothing follows from it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace netbinder {

class ProgramName {
 public:
  ProgramName() = default;
  // The name of the process that has the pid now. Characters that do not show are question marks.
  // Empty if there is none that can be seen from here.
  static ProgramName of(std::int32_t pid);

  [[nodiscard]] std::string_view text() const { return text_.data(); }

 private:
  std::array<char, 16> text_{};  // with a final zero
};

}  // namespace netbinder
