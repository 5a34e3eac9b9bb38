// SPDX-License-Identifier: Apache-2.0
#include "host/service-manager/dialect.h"

#include <algorithm>
#include <array>

namespace netbinder {

namespace {

// A method's code in each AIDL dialect, from Android 11 on; 0 where the dialect lacks it.
struct MethodCodes {
  Method method;
  std::array<std::uint8_t, 6> codes;  // 11, 12, 13, 14, late 15, 16
};
constexpr std::array kMethods{
    MethodCodes{Method::kGetService, {1, 1, 1, 1, 1, 1}},
    MethodCodes{Method::kGetService2, {0, 0, 0, 0, 2, 2}},
    MethodCodes{Method::kCheckService, {2, 2, 2, 2, 3, 3}},
    MethodCodes{Method::kCheckService2, {0, 0, 0, 0, 0, 4}},
    MethodCodes{Method::kAddService, {3, 3, 3, 3, 4, 5}},
    MethodCodes{Method::kListServices, {4, 4, 4, 4, 5, 6}},
    MethodCodes{Method::kRegisterForNotifications, {5, 5, 5, 5, 6, 7}},
    MethodCodes{Method::kUnregisterForNotifications, {6, 6, 6, 6, 7, 8}},
    MethodCodes{Method::kIsDeclared, {7, 7, 7, 7, 8, 9}},
    MethodCodes{Method::kGetDeclaredInstances, {0, 8, 8, 8, 9, 10}},
    MethodCodes{Method::kUpdatableViaApex, {0, 9, 9, 9, 10, 11}},
    MethodCodes{Method::kGetUpdatableNames, {0, 0, 0, 10, 11, 12}},
    MethodCodes{Method::kGetConnectionInfo, {0, 0, 10, 11, 12, 13}},
    MethodCodes{Method::kRegisterClientCallback, {8, 10, 11, 12, 13, 14}},
    MethodCodes{Method::kTryUnregisterService, {9, 11, 12, 13, 14, 15}},
    MethodCodes{Method::kGetServiceDebugInfo, {0, 12, 13, 14, 15, 16}},
};

struct DialectName {
  std::string_view name;
  Dialect dialect;
};
constexpr std::array kNames{
    DialectName{"classic", Dialect::kClassic},     DialectName{"android11", Dialect::kAndroid11},
    DialectName{"android12", Dialect::kAndroid12}, DialectName{"android13", Dialect::kAndroid13},
    DialectName{"android14", Dialect::kAndroid14}, DialectName{"android15", Dialect::kAndroid15},
    DialectName{"android16", Dialect::kAndroid16},
};

}  // namespace

std::optional<Dialect> parse_dialect(std::string_view name) {
  for (const DialectName& known : kNames) {
    if (known.name == name) return known.dialect;
  }
  return std::nullopt;
}

std::optional<Method> method_of(Dialect dialect, std::uint32_t code) {
  if (dialect == Dialect::kClassic || code == 0) return std::nullopt;
  const auto column =
      static_cast<std::size_t>(dialect) - static_cast<std::size_t>(Dialect::kAndroid11);
  for (const MethodCodes& method : kMethods) {
    if (method.codes[column] == code) return method.method;
  }
  return std::nullopt;
}

namespace {

// The one dialect in which the method has this code, if there is only one.
std::optional<Dialect> dialect_with(Method wanted, std::uint32_t code) {
  if (code == 0) return std::nullopt;
  for (const MethodCodes& method : kMethods) {
    if (method.method != wanted) continue;
    const auto found = std::find(method.codes.begin(), method.codes.end(), code);
    if (found == method.codes.end()) return std::nullopt;
    return static_cast<Dialect>(static_cast<std::size_t>(Dialect::kAndroid11) +
                                static_cast<std::size_t>(found - method.codes.begin()));
  }
  return std::nullopt;
}

}  // namespace

std::optional<Dialect> detect_dialect(std::uint32_t code, const RequestShape& shape) {
  // Shapes come first: they distinguish late 15 and 16 from earlier ones. Among those, only 12 can
  // be recognised.
  const bool adds = shape.starts_with_name && shape.objects == 1 && shape.words_after == 2;
  const bool name_only = shape.starts_with_name && shape.objects == 0 && shape.words_after == 0;
  const bool one_word = !shape.starts_with_name && shape.objects == 0 && shape.words_after == 1;
  if (code == 5 && adds) return Dialect::kAndroid16;
  if (code == 4 && adds) return Dialect::kAndroid15;
  if (code == 4 && name_only) return Dialect::kAndroid16;
  if (code == 6 && one_word) return Dialect::kAndroid16;
  if (code == 5 && one_word) return Dialect::kAndroid15;
  if (code == 3 && name_only) return Dialect::kAndroid15;  // or 16, which later requests show
  // These methods have requests unlike all others, whatever their number.
  const bool empty = !shape.starts_with_name && shape.objects == 0 && shape.words_after == 0;
  const bool two_objects = shape.starts_with_name && shape.objects == 2;
  const bool one_object = shape.starts_with_name && shape.objects == 1 && shape.words_after == 0;
  if (empty) return dialect_with(Method::kGetServiceDebugInfo, code);
  if (two_objects) return dialect_with(Method::kRegisterClientCallback, code);
  if (one_object && code == 8) return Dialect::kAndroid16;  // unregisterForNotifications
  if (one_object && code > 8) return dialect_with(Method::kTryUnregisterService, code);
  const bool versioned = shape.stability_word && has_android12_version(*shape.stability_word);
  if (versioned) return Dialect::kAndroid12;
  if (code == 3 && adds) return Dialect::kAndroid14;
  if (code == 4 && one_word) return Dialect::kAndroid14;
  return std::nullopt;
}

}  // namespace netbinder
