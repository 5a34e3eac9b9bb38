// SPDX-License-Identifier: Apache-2.0
//
// The numbers by which the two sides of a channel know that they mean the same protocol. The
// version grows with every change in this folder that an older side would misunderstand. An agent
// serves programs of its own version and of the one before, so that programs which have loaded
// their shim keep working when the agent's host gets a new version, and containers may be older:
//    9   the first that an agent still serves
//   10   Hello and HelloReply say which versions their sides speak; all else is as in 9
#pragma once

#include <cstdint>

namespace netbinder {

inline constexpr std::uint32_t kChannelMagic = 0x6e627368;  // "nbsh"
inline constexpr std::uint32_t kChannelVersion = 10;        // the newest
inline constexpr std::uint32_t kOldestChannelVersion = 9;
static_assert(kOldestChannelVersion + 1 == kChannelVersion);

}  // namespace netbinder
