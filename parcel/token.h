// SPDX-License-Identifier: Apache-2.0
//
// The interface's name that begins a request, and the words in front of it, which tell the version
// of Android that has written it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "parcel/reader.h"

namespace netbinder {

struct InterfaceToken {
  std::size_t words = 0;  // in front of the name: one up to Android 9, two in 10, three from 11 on
  std::int32_t header = 0;  // the third
};

// The token at the reader's position, if it is one of any version for this interface. Its bytes are
// taken then.
[[nodiscard]] std::optional<InterfaceToken> take_interface_token(ParcelReader& request,
                                                                 std::string_view descriptor);

// The name of the interface that a request seems to begin with, in whatever version, for people to
// read: written to `into`, its length returned. 0: there is none, or none that fits.
[[nodiscard]] std::size_t copy_interface_name(std::span<const std::byte> request,
                                              std::span<char> into);

}  // namespace netbinder
