// SPDX-License-Identifier: Apache-2.0
//
// The ways in which clients of different Android versions speak to the service manager: the token
// at the start of a request, the numbers of the methods, and how a binder's stability is marked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace netbinder {

enum class Dialect : std::uint8_t {
  kClassic,  // up to Android 10, and the C tools: no status word, no stability
  kAndroid11,
  kAndroid12,
  kAndroid13,
  kAndroid14,      // and the first releases of 15
  kAndroid15Late,  // the later releases of 15
  kAndroid16,      // and 17
};

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

// ---- stability: stored as a level, and written in the form of each dialect ----

inline constexpr std::uint32_t kStabilityVendor = 0x03;
inline constexpr std::uint32_t kStabilitySystem = 0x0c;
inline constexpr std::uint32_t kStabilityVintf = 0x3f;

[[nodiscard]] std::uint32_t stability_level(std::uint32_t word);
[[nodiscard]] std::uint32_t stability_word(Dialect dialect, std::uint32_t level);
[[nodiscard]] std::uint32_t null_stability_word(Dialect dialect);

}  // namespace netbinder
