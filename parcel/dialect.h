// SPDX-License-Identifier: Apache-2.0
//
// How parcels differ between versions of Android: the words before an interface's name, and the
// stability behind each object.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace netbinder {

// In their order.
enum class Dialect : std::uint8_t {
  kClassic,  // up to Android 9, and the C tools; what cannot be told from Android 10
  kAndroid10,
  kAndroid11,
  kAndroid12,
  kAndroid13,
  kAndroid14,  // and the first releases of 15
  kAndroid15,  // the later releases
  kAndroid16,  // and 17
};

// ---- before an interface's name ----

inline constexpr std::int32_t kNoWorkSource = -1;
inline constexpr std::int32_t kHeaderSystem = 0x53595354;    // SYST
inline constexpr std::int32_t kHeaderVendor = 0x564e4452;    // VNDR
inline constexpr std::int32_t kHeaderRecovery = 0x5245434f;  // RECO
inline constexpr std::int32_t kHeaderUnknown = 0x554e4b4e;   // UNKN

[[nodiscard]] constexpr bool is_header(std::int32_t word) {
  return word == kHeaderSystem || word == kHeaderVendor || word == kHeaderRecovery ||
         word == kHeaderUnknown;
}

// Strict mode; from Android 10 on the work's source; from 11 on a header.
class TokenWords {
 public:
  constexpr explicit TokenWords(Dialect dialect, std::int32_t strict_mode = 0,
                                std::int32_t header = kHeaderSystem)
      : words_{strict_mode, kNoWorkSource, header},
        count_(dialect >= Dialect::kAndroid11   ? 3
               : dialect == Dialect::kAndroid10 ? 2
                                                : 1) {}

  [[nodiscard]] constexpr std::span<const std::int32_t> words() const {
    return std::span(words_).first(count_);
  }
  // As all versions from Android 11 on have.
  [[nodiscard]] constexpr bool has_header() const { return count_ == words_.size(); }

 private:
  std::array<std::int32_t, 3> words_;
  std::size_t count_;
};

// ---- stability: how long an interface is stable for, behind each object ----

// The bits of a level are those of all that it includes.
enum class Stability : std::uint8_t {
  kUndeclared = 0,
  kVendor = 0x03,
  kSystem = 0x0c,
  kVintf = 0x3f,
};

[[nodiscard]] constexpr bool has_stability(Dialect dialect) {
  return dialect >= Dialect::kAndroid11;
}
[[nodiscard]] std::uint32_t stability_word(Dialect dialect, std::uint32_t level);
[[nodiscard]] inline std::uint32_t stability_word(Dialect dialect, Stability level) {
  return stability_word(dialect, static_cast<std::uint32_t>(level));
}
[[nodiscard]] std::uint32_t null_stability_word(Dialect dialect);
// Whether a word of an object, not of a null, is written as only Android 12 does.
[[nodiscard]] bool has_android12_version(std::uint32_t word);
// The bits of the level in a word of any version, whatever they are.
[[nodiscard]] std::uint32_t stability_level(std::uint32_t word);
// The level of a word of any version; kUndeclared if it is none.
[[nodiscard]] Stability stability_of_word(std::uint32_t word);

}  // namespace netbinder
