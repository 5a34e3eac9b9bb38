// SPDX-License-Identifier: Apache-2.0
#include "parcel/token.h"

#include <cstring>

#include "parcel/dialect.h"
#include "parcel/text.h"

namespace netbinder {

std::optional<InterfaceToken> take_interface_token(ParcelReader& request,
                                                   std::string_view descriptor) {
  const std::size_t start = request.position();
  for (const std::size_t words : {3U, 2U, 1U}) {
    request.seek(start + words * sizeof(std::int32_t));
    const auto name = request.string16_units();
    if (!name || name->units == nullptr) continue;
    if (!is_text(name->units, name->count, descriptor)) continue;
    if (words < 3) return InterfaceToken{.words = words};
    const std::size_t behind = request.position();
    request.seek(start + 2 * sizeof(std::int32_t));
    const std::int32_t header = request.i32().value_or(0);
    if (!is_header(header)) break;
    request.seek(behind);
    return InterfaceToken{.words = words, .header = header};
  }
  request.seek(start);
  return std::nullopt;
}

namespace {

bool is_of_a_name(unsigned unit) {
  return (unit >= 'a' && unit <= 'z') || (unit >= 'A' && unit <= 'Z') ||
         (unit >= '0' && unit <= '9') || unit == '.' || unit == '_' || unit == '$' ||
         unit == ':' || unit == '@' || unit == '-';
}

// A string of 16-bit units at `at`, its length in front.
std::size_t copy_name16(std::span<const std::byte> request, std::size_t at, std::span<char> into) {
  std::uint32_t length = 0;
  if (request.size() < at + sizeof length) return 0;
  std::memcpy(&length, request.data() + at, sizeof length);
  at += sizeof length;
  if (length == 0 || length > into.size() || request.size() - at < (length + 1) * 2) return 0;
  for (std::uint32_t i = 0; i <= length; ++i) {
    std::uint16_t unit = 0;
    std::memcpy(&unit, request.data() + at + i * sizeof unit, sizeof unit);
    if (i == length) return unit == 0 ? length : 0;
    if (!is_of_a_name(unit)) return 0;
    into[i] = static_cast<char>(unit);
  }
  return 0;
}

// A string of bytes at the beginning, as HIDL has it: android.hidl.manager@1.0::IServiceManager.
std::size_t copy_hidl_name(std::span<const std::byte> request, std::span<char> into) {
  bool has_package = false;
  for (std::size_t i = 0; i < request.size() && i <= into.size(); ++i) {
    const auto unit = std::to_integer<unsigned>(request[i]);
    if (unit == 0) return has_package ? i : 0;
    if (!is_of_a_name(unit) || i == into.size()) return 0;
    has_package = has_package || unit == '@';
    into[i] = static_cast<char>(unit);
  }
  return 0;
}

}  // namespace

std::size_t copy_interface_name(std::span<const std::byte> request, std::span<char> into) {
  for (const std::size_t words : {3U, 2U, 1U}) {
    const std::size_t length = copy_name16(request, words * sizeof(std::int32_t), into);
    if (length > 0) return length;
  }
  return copy_hidl_name(request, into);
}

}  // namespace netbinder
