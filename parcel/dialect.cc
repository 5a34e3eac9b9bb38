// SPDX-License-Identifier: Apache-2.0
#include "parcel/dialect.h"

namespace netbinder {

namespace {

// Only Android 12 put a version in the lowest byte and the level in the highest.
constexpr std::uint32_t kAndroid12Version = 1;
constexpr std::uint32_t kAndroid12LevelShift = 24;

bool is_level(std::uint32_t value) {
  return value == static_cast<std::uint32_t>(Stability::kVendor) ||
         value == static_cast<std::uint32_t>(Stability::kSystem) ||
         value == static_cast<std::uint32_t>(Stability::kVintf);
}

}  // namespace

std::uint32_t stability_word(Dialect dialect, std::uint32_t level) {
  if (dialect == Dialect::kAndroid12) return (level << kAndroid12LevelShift) | kAndroid12Version;
  return level;
}

std::uint32_t null_stability_word(Dialect dialect) { return stability_word(dialect, 0); }

bool has_android12_version(std::uint32_t word) {
  return (word & 0xff) == kAndroid12Version && (word >> kAndroid12LevelShift) != 0;
}

std::uint32_t stability_level(std::uint32_t word) {
  const std::uint32_t high = word >> kAndroid12LevelShift;
  return high != 0 ? high : word & 0xff;
}

Stability stability_of_word(std::uint32_t word) {
  const bool of_android12 = (word & 0xff) == kAndroid12Version && (word & 0xffff00) == 0;
  const std::uint32_t value = of_android12 ? word >> kAndroid12LevelShift : word;
  return is_level(value) ? static_cast<Stability>(value) : Stability::kUndeclared;
}

}  // namespace netbinder
