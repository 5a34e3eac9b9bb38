// SPDX-License-Identifier: Apache-2.0
//
// Entries of a ring of calls (node-agent/call_ring.h) as text, for tools of other hosts, which
// cannot have the ring itself: base64 of what is behind an entry's number, of the same length for
// each. Plain values.
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "node-agent/call_ring.h"
#include "transport/base64.h"

namespace netbinder::call_ring {

inline constexpr std::size_t kSentFrom = offsetof(Entry, time_ns);
inline constexpr std::size_t kSentBytes = sizeof(Entry) - kSentFrom;
inline constexpr std::size_t kSentChars = kSentBytes / 3 * 4;
static_assert(kSentFrom == sizeof(Entry::number) && kSentBytes % 3 == 0, "no padding is needed");
static_assert(std::endian::native == std::endian::little,
              "as a host of another kind would read it");

inline void append_text(const Entry& entry, std::string& text) {
  text += to_base64({reinterpret_cast<const char*>(&entry) + kSentFrom, kSentBytes});
}

// Decodes kSentChars characters into an entry without a number. Empty if they are no base64.
inline std::optional<Entry> entry_of_text(std::string_view text) {
  const auto bytes = from_base64(text);
  if (!bytes || bytes->size() != kSentBytes) return std::nullopt;
  Entry entry;
  std::memcpy(reinterpret_cast<char*>(&entry) + kSentFrom, bytes->data(), kSentBytes);
  return entry;
}

}  // namespace netbinder::call_ring
