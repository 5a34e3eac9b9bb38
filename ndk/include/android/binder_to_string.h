// SPDX-License-Identifier: Apache-2.0
//
// ndk::internal::ToString: values of generated types as text, for their toString(). A type that
// has toString() of its own (parcelables, unions; enums in their namespace) says itself what it is.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#if __has_include(<android/binder_auto_utils.h>)
#include <android/binder_auto_utils.h>
#include <android/binder_interface_utils.h>
#define HAS_NDK_INTERFACE
#endif

namespace ndk {
namespace internal {

template <typename Type, typename = void>
struct HasToStringMethod : std::false_type {};
template <typename Type>
struct HasToStringMethod<Type, std::void_t<decltype(std::declval<const Type&>().toString())>>
    : std::true_type {};

// Found by the enum's namespace.
template <typename Type, typename = void>
struct HasToStringFunction : std::false_type {};
template <typename Type>
struct HasToStringFunction<Type, std::void_t<decltype(toString(std::declval<Type>()))>>
    : std::true_type {};

template <typename Type>
struct IsRange : std::false_type {};
template <typename Element>
struct IsRange<std::vector<Element>> : std::true_type {};
template <typename Element, std::size_t N>
struct IsRange<std::array<Element, N>> : std::true_type {};

template <typename Type>
struct IsNullable : std::false_type {};
template <typename Value>
struct IsNullable<std::optional<Value>> : std::true_type {};
template <typename Value>
struct IsNullable<std::unique_ptr<Value>> : std::true_type {};

template <typename Type>
struct IsShared : std::false_type {};
template <typename Value>
struct IsShared<std::shared_ptr<Value>> : std::true_type {};

template <typename Type>
std::string ToString(const Type& value) {
  if constexpr (std::is_same_v<bool, Type>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_same_v<char16_t, Type>) {
    // A unit, which is no character by itself if it is a surrogate.
    return std::to_string(static_cast<std::uint32_t>(value));
  } else if constexpr (std::is_arithmetic_v<Type>) {
    return std::to_string(value);
  } else if constexpr (std::is_same_v<std::string, Type>) {
    return value;
  } else if constexpr (IsNullable<Type>::value) {
    return value ? ToString(*value) : "(null)";
  } else if constexpr (IsRange<Type>::value) {
    std::ostringstream text;
    text << "[";
    const char* separator = "";
    // By index, as elements of a vector of bool are no references.
    for (std::size_t i = 0; i < value.size(); ++i) {
      using Element = typename Type::value_type;
      const Element& element = value[i];
      text << separator << ToString(element);
      separator = ", ";
    }
    text << "]";
    return text.str();
  } else if constexpr (std::is_enum_v<Type>) {
    if constexpr (HasToStringFunction<Type>::value) {
      return toString(value);
    } else {
      return std::to_string(static_cast<std::underlying_type_t<Type>>(value));
    }
  } else if constexpr (HasToStringMethod<Type>::value) {
    return value.toString();
#ifdef HAS_NDK_INTERFACE
  } else if constexpr (std::is_same_v<::ndk::SpAIBinder, Type>) {
    std::ostringstream text;
    text << "binder:" << std::hex << static_cast<const void*>(value.get());
    return value.get() == nullptr ? "(null)" : text.str();
  } else if constexpr (std::is_same_v<::ndk::ScopedFileDescriptor, Type>) {
    return "fd:" + std::to_string(value.get());
  } else if constexpr (IsShared<Type>::value) {
    if (value == nullptr) return "(null)";
    if constexpr (std::is_base_of_v<::ndk::ICInterface, typename Type::element_type>) {
      return ToString(value->asBinder());
    } else {
      return ToString(*value);
    }
#endif
  } else {
    return "{no toString() implemented}";
  }
}

}  // namespace internal
}  // namespace ndk
