// SPDX-License-Identifier: Apache-2.0
//
// ndk::enum_range: the values of a generated enum, for loops. Generated code defines
// ndk::internal::enum_values for each of its enums.
#pragma once

#include <array>
#include <cstddef>
#include <iterator>
#include <type_traits>

namespace ndk {

namespace internal {

template <typename EnumType, typename = std::enable_if_t<std::is_enum<EnumType>::value>>
constexpr void* enum_values = nullptr;

}  // namespace internal

template <typename EnumType, typename = std::enable_if_t<std::is_enum<EnumType>::value>>
struct enum_range {
  constexpr auto begin() const { return std::begin(internal::enum_values<EnumType>); }
  constexpr auto end() const { return std::end(internal::enum_values<EnumType>); }
};

}  // namespace ndk
