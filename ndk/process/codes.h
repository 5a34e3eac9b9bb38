// SPDX-License-Identifier: Apache-2.0
//
// Codes that every object answers, beside those of its interface.
#pragma once

#include <cstdint>

namespace netbinder::ndk {

constexpr std::uint32_t code_of(char a, char b, char c, char d) {
  return (static_cast<std::uint32_t>(a) << 24) | (static_cast<std::uint32_t>(b) << 16) |
         (static_cast<std::uint32_t>(c) << 8) | static_cast<std::uint32_t>(d);
}

inline constexpr std::uint32_t kCodePing = code_of('_', 'P', 'N', 'G');
inline constexpr std::uint32_t kCodeInterface = code_of('_', 'N', 'T', 'F');
inline constexpr std::uint32_t kCodeDump = code_of('_', 'D', 'M', 'P');
inline constexpr std::uint32_t kCodeShellCommand = code_of('_', 'C', 'M', 'D');
inline constexpr std::uint32_t kCodeSystemProperties = code_of('_', 'S', 'P', 'R');
inline constexpr std::uint32_t kCodeExtension = code_of('_', 'E', 'X', 'T');
inline constexpr std::uint32_t kCodeDebugPid = code_of('_', 'P', 'I', 'D');

}  // namespace netbinder::ndk
