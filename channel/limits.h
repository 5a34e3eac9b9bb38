// SPDX-License-Identifier: Apache-2.0
//
// How much of everything a channel has room for.
#pragma once

#include <cstdint>

namespace netbinder {

inline constexpr std::uint32_t kMailboxes = 4096;
inline constexpr std::uint32_t kMailboxBytes = 16 * 1024;
inline constexpr std::uint32_t kInlineCommandBytes = 1024;  // larger ones are staged
inline constexpr std::uint32_t kInlineStagingBytes = 1024;  // small payloads are staged inline
inline constexpr std::uint32_t kArgumentBytes = 64;         // of ioctls other than WRITE_READ
inline constexpr std::uint32_t kReadBytes = 8 * 1024;       // the most that one read returns
inline constexpr std::uint32_t kPostedReadBytes = 128;      // the least room of a posted read
inline constexpr std::uint32_t kInlineRanges = 64;           // in the mailbox; more are staged
inline constexpr std::uint32_t kMaxStagedRanges = 96 * 1024;
inline constexpr std::uint32_t kMaxRights = 253;         // descriptors in a message: SCM_MAX_FD
inline constexpr std::uint32_t kMaxInstalledFds = 1000;  // at once, in several messages
inline constexpr std::uint32_t kMaxPassedFds = 1001;     // with one request, one too many included
inline constexpr std::uint64_t kStagingBytes = 6U << 20;  // for each mailbox
inline constexpr std::uint64_t kMaxMapBytes = 4U << 20;
inline constexpr std::uint64_t kMaxCommandBytes = 1U << 20;  // of one write buffer

}  // namespace netbinder
