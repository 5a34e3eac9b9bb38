// SPDX-License-Identifier: Apache-2.0
#include "ndk/parcel/format.h"

#include <array>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "ndk/base/log.h"

namespace netbinder::ndk {
namespace {

constexpr std::array kNames{"classic",   "android10", "android11", "android12",
                            "android13", "android14", "android15", "android16"};

// Only Android 12 put a version in the lowest byte and the level in the highest.
constexpr std::uint32_t kAndroid12Version = 1;
constexpr std::uint32_t kAndroid12LevelShift = 24;

std::optional<Dialect> dialect_of_environment() {
  const char* const wanted = std::getenv("NETBINDER_DIALECT");
  if (wanted == nullptr || *wanted == '\0' || std::string_view(wanted) == "auto") {
    return std::nullopt;
  }
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (std::string_view(wanted) == kNames[i]) return static_cast<Dialect>(i);
  }
  log_line("there is no dialect %s (NETBINDER_DIALECT)", wanted);
  return std::nullopt;
}

const std::optional<Dialect>& fixed_dialect() {
  static const std::optional<Dialect> dialect = dialect_of_environment();
  return dialect;
}

bool is_level(std::uint32_t value) {
  return value == static_cast<std::uint32_t>(Stability::kVendor) ||
         value == static_cast<std::uint32_t>(Stability::kSystem) ||
         value == static_cast<std::uint32_t>(Stability::kVintf);
}

}  // namespace

Dialect dialect_of_process() { return fixed_dialect().value_or(Dialect::kAndroid14); }
bool dialect_is_fixed() { return fixed_dialect().has_value(); }
const char* dialect_name(Dialect dialect) { return kNames[static_cast<std::size_t>(dialect)]; }

std::int32_t stability_word(Dialect dialect, Stability level) {
  const auto value = static_cast<std::uint32_t>(level);
  if (dialect != Dialect::kAndroid12) return static_cast<std::int32_t>(value);
  return static_cast<std::int32_t>((value << kAndroid12LevelShift) | kAndroid12Version);
}

std::int32_t null_stability_word(Dialect dialect) {
  return stability_word(dialect, Stability::kUndeclared);
}

Stability stability_of_word(std::int32_t word) {
  auto value = static_cast<std::uint32_t>(word);
  if ((value & 0xff) == kAndroid12Version && (value & 0xffff00) == 0) {
    value >>= kAndroid12LevelShift;
  }
  return is_level(value) ? static_cast<Stability>(value) : Stability::kUndeclared;
}

}  // namespace netbinder::ndk
