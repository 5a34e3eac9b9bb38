// SPDX-License-Identifier: Apache-2.0
//
// Parts of <linux/android/binder.h> that some headers lack, and that only programs use.
#pragma once

#include <linux/ioctl.h>

#include <cstdint>

#include "core/base/uapi.h"

namespace netbinder::ndk {

struct ExtendedError {
  std::uint32_t id;
  std::uint32_t command;
  std::int32_t param;
};
static_assert(sizeof(ExtendedError) == 12);

inline constexpr std::uint32_t kOnewaySpamSuspect = _IO('r', 19);
inline constexpr std::uint32_t kFrozenReply = _IO('r', 18);

inline constexpr unsigned long kEnableOnewaySpamDetection = _IOW('b', 16, std::uint32_t);
inline constexpr unsigned long kGetExtendedError = _IOWR('b', 17, ExtendedError);

}  // namespace netbinder::ndk
