// SPDX-License-Identifier: Apache-2.0
//
// How parcels are written: what comes before an interface's name, and what behind each object. It
// differs between versions of Android and is one thing for a process: NETBINDER_DIALECT, or Android
// 14's. Any thread.
#pragma once

#include <cstdint>

namespace netbinder::ndk {

// In their order.
enum class Dialect : std::uint8_t {
  kClassic,  // up to Android 9, and the C tools
  kAndroid10,
  kAndroid11,
  kAndroid12,
  kAndroid13,
  kAndroid14,  // and the first releases of 15
  kAndroid15,  // the later releases
  kAndroid16,
};

// How long an interface is stable for. The bits of one are those of all that it includes.
enum class Stability : std::uint8_t {
  kUndeclared = 0,
  kVendor = 0x03,
  kSystem = 0x0c,
  kVintf = 0x3f,
};

[[nodiscard]] Dialect dialect_of_process();
// The environment has chosen it, rather than nobody.
[[nodiscard]] bool dialect_is_fixed();
// As in NETBINDER_DIALECT, of static storage.
[[nodiscard]] const char* dialect_name(Dialect dialect);

// ---- behind each object, from Android 11 on ----

[[nodiscard]] constexpr bool has_stability(Dialect dialect) {
  return dialect >= Dialect::kAndroid11;
}
[[nodiscard]] std::int32_t stability_word(Dialect dialect, Stability level);
[[nodiscard]] std::int32_t null_stability_word(Dialect dialect);
// Reads the forms of all versions; kUndeclared if it is none.
[[nodiscard]] Stability stability_of_word(std::int32_t word);

// ---- before an interface's name ----

inline constexpr std::int32_t kStrictModeGather = INT32_MIN;  // 1 << 31
inline constexpr std::int32_t kNoWorkSource = -1;
inline constexpr std::int32_t kHeaderSystem = 0x53595354;    // SYST
inline constexpr std::int32_t kHeaderVendor = 0x564e4452;    // VNDR
inline constexpr std::int32_t kHeaderRecovery = 0x5245434f;  // RECO
inline constexpr std::int32_t kHeaderUnknown = 0x554e4b4e;   // UNKN

}  // namespace netbinder::ndk
