// SPDX-License-Identifier: Apache-2.0
//
// How this process writes parcels (parcel/dialect.h): NETBINDER_DIALECT, or Android 14's way. Any
// thread.
#pragma once

#include <cstdint>

#include "parcel/dialect.h"

namespace netbinder::ndk {

using netbinder::Dialect;
using netbinder::Stability;

[[nodiscard]] Dialect dialect_of_process();
// The environment has chosen it, rather than nobody.
[[nodiscard]] bool dialect_is_fixed();
// As in NETBINDER_DIALECT, of static storage.
[[nodiscard]] const char* dialect_name(Dialect dialect);

// The word before an interface's name that says what a callee is to do about strict mode: to
// report.
inline constexpr std::int32_t kStrictModeGather = INT32_MIN;  // 1 << 31

}  // namespace netbinder::ndk
