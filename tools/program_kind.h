// SPDX-License-Identifier: Apache-2.0
//
// Looks at a program's file before it is run: whether the preload library reaches it, or it is to be
// supervised, or neither can work.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace netbinder::tools {

struct ProgramKind {
  enum class Mode : std::uint8_t {
    kPreload,
    kSupervised,
    kNeither,
  };
  Mode mode = Mode::kPreload;
  std::string reason;  // of any mode but kPreload: why, for people
  bool is_32_bit = false;  // of the 32-bit shim, where there is one
  // It has system call instructions of its own (shim/trap.h).
  bool makes_system_calls = false;
  // Libraries that must come before the shim: a sanitizer's.
  std::vector<std::string> preload_first;
};

// The file that execvp(3) would run for the word; nothing if there is none.
[[nodiscard]] std::optional<std::string> find_program(const std::string& word);

// A script is as its interpreter. What cannot be looked at is taken for an ordinary program.
[[nodiscard]] ProgramKind kind_of_program(const std::string& path);

}  // namespace netbinder::tools
