// SPDX-License-Identifier: Apache-2.0
//
// The numbers by which the two sides of a channel know that they mean the same protocol. The
// version grows with every change in this folder that an older side would misunderstand.
#pragma once

#include <cstdint>

namespace netbinder {

inline constexpr std::uint32_t kChannelMagic = 0x6e627368;  // "nbsh"
inline constexpr std::uint32_t kChannelVersion = 9;

}  // namespace netbinder
