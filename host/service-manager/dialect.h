// SPDX-License-Identifier: Apache-2.0
//
// The ways in which clients of different Android versions speak to the service manager, beside how
// parcels differ (parcel/dialect.h): the numbers of the methods, and what shows a client's version.
// Nothing tells a client of Android 10 from earlier ones, which are all kClassic here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "parcel/dialect.h"

namespace netbinder {

// "classic", "android11" … "android16"; nothing for "auto" and anything else.
[[nodiscard]] std::optional<Dialect> parse_dialect(std::string_view name);

enum class Method : std::uint8_t {
  kGetService,
  kGetService2,
  kCheckService,
  kCheckService2,
  kAddService,
  kListServices,
  kRegisterForNotifications,
  kUnregisterForNotifications,
  kIsDeclared,
  kGetDeclaredInstances,
  kUpdatableViaApex,
  kGetUpdatableNames,
  kGetConnectionInfo,
  kRegisterClientCallback,
  kTryUnregisterService,
  kGetServiceDebugInfo,
};

// The method of a code in one of the AIDL dialects, or nothing.
[[nodiscard]] std::optional<Method> method_of(Dialect dialect, std::uint32_t code);

// The shape of a request after its token, by which dialects can be told apart.
struct RequestShape {
  bool starts_with_name = false;
  std::size_t objects = 0;
  std::size_t words_after = 0;  // after the name and the objects with their stability words
  std::optional<std::uint32_t> stability_word;  // of the first object
};

// The dialect that code and shape alone show; nothing if several dialects use them alike.
[[nodiscard]] std::optional<Dialect> detect_dialect(std::uint32_t code, const RequestShape& shape);

// The words before the name of a callback's interface, with the header of the client's requests.
[[nodiscard]] inline TokenWords header_token(std::uint32_t header) {
  return TokenWords(Dialect::kAndroid11, 0, static_cast<std::int32_t>(header));
}

inline constexpr auto kStabilitySystem = static_cast<std::uint32_t>(Stability::kSystem);
inline constexpr auto kStabilityVintf = static_cast<std::uint32_t>(Stability::kVintf);

}  // namespace netbinder
