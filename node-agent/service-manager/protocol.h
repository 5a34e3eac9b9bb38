// SPDX-License-Identifier: Apache-2.0
//
// Words of the service manager's protocols that do not differ between dialects.
#pragma once

#include <cstddef>
#include <cstdint>

namespace netbinder {

// The manager is found under a name too, which nobody else can take.
inline constexpr const char* kManagerName = "manager";

// Exceptions of an AIDL reply.
inline constexpr std::int32_t kNoException = 0;
inline constexpr std::int32_t kSecurityException = -1;
inline constexpr std::int32_t kIllegalArgument = -3;
inline constexpr std::int32_t kIllegalState = -5;
inline constexpr std::int32_t kUnsupported = -7;

// What `dumpsys` asks services by; addService carries them.
inline constexpr std::uint32_t kDumpDefault = 8;
inline constexpr std::uint32_t kLazyService = 1U << 30;  // Android 16: its users are not to keep it

inline constexpr std::size_t kMaxNameBytes = 127;

}  // namespace netbinder
