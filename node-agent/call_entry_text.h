// SPDX-License-Identifier: Apache-2.0
//
// Entries of a ring of calls (node-agent/call_ring.h) as text, for tools of other hosts, which
// cannot have the ring itself: base64 of what is behind an entry's number, of the same length for
// each. Plain values.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "node-agent/call_ring.h"

namespace netbinder::call_ring {

inline constexpr std::size_t kSentFrom = offsetof(Entry, time_ns);
inline constexpr std::size_t kSentBytes = sizeof(Entry) - kSentFrom;
inline constexpr std::size_t kSentChars = kSentBytes / 3 * 4;
static_assert(kSentFrom == sizeof(Entry::number) && kSentBytes % 3 == 0, "no padding is needed");
static_assert(std::endian::native == std::endian::little,
              "as a host of another kind would read it");

inline constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

inline void append_text(const Entry& entry, std::string& text) {
  std::array<unsigned char, kSentBytes> bytes;
  std::memcpy(bytes.data(), reinterpret_cast<const char*>(&entry) + kSentFrom, bytes.size());
  std::array<char, kSentChars> digits;
  for (std::size_t from = 0, to = 0; from < bytes.size(); from += 3, to += 4) {
    const std::uint32_t three = static_cast<std::uint32_t>(bytes[from]) << 16 |
                                static_cast<std::uint32_t>(bytes[from + 1]) << 8 | bytes[from + 2];
    for (std::size_t i = 0; i < 4; ++i) digits[to + i] = kDigits[three >> (18 - 6 * i) & 63];
  }
  text.append(digits.data(), digits.size());
}

// Of kSentChars characters; the entry has no number. Nothing: it is no base64.
inline std::optional<Entry> entry_of_text(std::string_view text) {
  static constexpr auto kValues = [] {
    std::array<std::int8_t, 256> values{};
    values.fill(-1);
    for (std::size_t i = 0; i < kDigits.size(); ++i) {
      values[static_cast<unsigned char>(kDigits[i])] = static_cast<std::int8_t>(i);
    }
    return values;
  }();
  if (text.size() != kSentChars) return std::nullopt;
  std::array<unsigned char, kSentBytes> bytes;
  for (std::size_t from = 0, to = 0; from < text.size(); from += 4, to += 3) {
    std::uint32_t three = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const int value = kValues[static_cast<unsigned char>(text[from + i])];
      if (value < 0) return std::nullopt;
      three = three << 6 | static_cast<std::uint32_t>(value);
    }
    for (std::size_t i = 0; i < 3; ++i) {
      bytes[to + i] = static_cast<unsigned char>(three >> (16 - 8 * i));
    }
  }
  Entry entry;
  std::memcpy(reinterpret_cast<char*>(&entry) + kSentFrom, bytes.data(), bytes.size());
  return entry;
}

}  // namespace netbinder::call_ring
