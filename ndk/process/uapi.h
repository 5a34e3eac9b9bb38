// SPDX-License-Identifier: Apache-2.0
//
// Parts of <linux/android/binder.h> that some headers lack.
#pragma once

#include <linux/android/binder.h>
#include <linux/ioctl.h>

#include <cstdint>

namespace netbinder::ndk {

struct FrozenState {
  binder_uintptr_t cookie;
  std::uint32_t is_frozen;
  std::uint32_t reserved;
};
static_assert(sizeof(FrozenState) == 16);

struct ExtendedError {
  std::uint32_t id;
  std::uint32_t command;
  std::int32_t param;
};
static_assert(sizeof(ExtendedError) == 12);

struct HandleCookie {
  std::uint32_t handle;
  binder_uintptr_t cookie;
} __attribute__((packed));
static_assert(sizeof(HandleCookie) == 12);

inline constexpr std::uint32_t kRequestFreeze = _IOW('c', 19, HandleCookie);
inline constexpr std::uint32_t kClearFreeze = _IOW('c', 20, HandleCookie);
inline constexpr std::uint32_t kFreezeDone = _IOW('c', 21, binder_uintptr_t);

inline constexpr std::uint32_t kOnewaySpamSuspect = _IO('r', 19);
inline constexpr std::uint32_t kPendingFrozen = _IO('r', 20);
inline constexpr std::uint32_t kFrozenBinder = _IOR('r', 21, FrozenState);
inline constexpr std::uint32_t kClearFreezeDone = _IOR('r', 22, binder_uintptr_t);
inline constexpr std::uint32_t kFrozenReply = _IO('r', 18);

inline constexpr unsigned long kEnableOnewaySpamDetection = _IOW('b', 16, std::uint32_t);
inline constexpr unsigned long kGetExtendedError = _IOWR('b', 17, ExtendedError);

inline constexpr std::uint32_t kTransactionClearBuffer = 0x20;

}  // namespace netbinder::ndk
