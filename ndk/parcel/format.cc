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

}  // namespace

Dialect dialect_of_process() { return fixed_dialect().value_or(Dialect::kAndroid14); }
bool dialect_is_fixed() { return fixed_dialect().has_value(); }
const char* dialect_name(Dialect dialect) { return kNames[static_cast<std::size_t>(dialect)]; }

}  // namespace netbinder::ndk
