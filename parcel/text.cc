// SPDX-License-Identifier: Apache-2.0
#include "parcel/text.h"

#include <cstdint>
#include <cstring>

namespace netbinder {
namespace {

constexpr std::uint32_t kNothing = 0xffffffff;

bool is_high(std::uint32_t unit) { return unit >= 0xd800 && unit < 0xdc00; }
bool is_low(std::uint32_t unit) { return unit >= 0xdc00 && unit < 0xe000; }

// The character at `at`, which is moved behind it; kNothing if there is none.
std::uint32_t next_of_utf8(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t index) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[index]));
  };
  const std::uint32_t lead = byte(at++);
  if (lead < 0x80) return lead;
  const std::size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
  if (lead < 0xc2 || lead > 0xf4 || text.size() - at < more) return kNothing;
  std::uint32_t character = lead & (0x3fU >> more);
  for (std::size_t i = 0; i < more; ++i) {
    const std::uint32_t next = byte(at++);
    if ((next & 0xc0) != 0x80) return kNothing;
    character = (character << 6) | (next & 0x3f);
  }
  constexpr std::uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};  // less is written shorter
  return character < kLeast[more] || character > 0x10ffff ? kNothing : character;
}

std::uint32_t unit_at(const void* units, std::size_t index) {
  char16_t unit = 0;
  std::memcpy(&unit, static_cast<const char*>(units) + index * sizeof unit, sizeof unit);
  return unit;
}

std::uint32_t next_of_utf16(const void* units, std::size_t count, std::size_t& at) {
  const std::uint32_t unit = unit_at(units, at++);
  if (!is_high(unit) || at == count) return unit;
  const std::uint32_t low = unit_at(units, at);
  if (!is_low(low)) return unit;
  ++at;
  return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
}

std::size_t utf8_bytes(std::uint32_t character) {
  return character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
}

}  // namespace

std::optional<std::size_t> utf16_length(std::string_view utf8) {
  std::size_t length = 0;
  for (std::size_t at = 0; at < utf8.size();) {
    const std::uint32_t character = next_of_utf8(utf8, at);
    if (character == kNothing) return std::nullopt;
    length += character < 0x10000 ? 1 : 2;
  }
  return length;
}

void convert_to_utf16(std::string_view utf8, char16_t* out) {
  for (std::size_t at = 0; at < utf8.size();) {
    const std::uint32_t character = next_of_utf8(utf8, at);
    if (character < 0x10000) {
      *out++ = static_cast<char16_t>(character);
    } else {
      *out++ = static_cast<char16_t>(0xd800 + ((character - 0x10000) >> 10));
      *out++ = static_cast<char16_t>(0xdc00 + (character & 0x3ff));
    }
  }
}

std::size_t utf8_length(const void* units, std::size_t count) {
  std::size_t length = 0;
  for (std::size_t at = 0; at < count;) length += utf8_bytes(next_of_utf16(units, count, at));
  return length;
}

void convert_to_utf8(const void* units, std::size_t count, char* out) {
  for (std::size_t at = 0; at < count;) {
    const std::uint32_t character = next_of_utf16(units, count, at);
    const std::size_t bytes = utf8_bytes(character);
    if (bytes == 1) {
      *out++ = static_cast<char>(character);
      continue;
    }
    constexpr std::uint32_t kLead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    *out++ = static_cast<char>(kLead[bytes] | (character >> (6 * (bytes - 1))));
    for (std::size_t left = bytes - 1; left-- > 0;) {
      *out++ = static_cast<char>(0x80 | ((character >> (6 * left)) & 0x3f));
    }
  }
}

bool is_text(const void* units, std::size_t count, std::string_view utf8) {
  std::size_t in_text = 0;
  for (std::size_t at = 0; at < count;) {
    if (in_text == utf8.size()) return false;
    if (next_of_utf8(utf8, in_text) != next_of_utf16(units, count, at)) return false;
  }
  return in_text == utf8.size();
}

std::string to_utf8(const void* units, std::size_t count) {
  std::string text(utf8_length(units, count), '\0');
  convert_to_utf8(units, count, text.data());
  return text;
}

}  // namespace netbinder
