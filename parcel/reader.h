// SPDX-License-Identifier: Apache-2.0
//
// Reading a parcel as Android's libbinder lays it out: little-endian words, strings of 16-bit units
// with a final zero, everything padded to four bytes. Every read is bounded by the data, and plain
// data is not read where an object is. A view with a position: it owns nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <optional>
#include <string>

#include "core/base/ids.h"
#include "core/base/uapi.h"
#include "parcel/objects.h"
#include "parcel/view.h"

namespace netbinder {

inline constexpr std::size_t kParcelAlignment = 4;
// Lengths are signed words.
inline constexpr std::size_t kMostParcelBytes = INT32_MAX - 64;

[[nodiscard]] constexpr std::size_t padded(std::size_t size) {
  return (size + kParcelAlignment - 1) & ~(kParcelAlignment - 1);
}

class ParcelReader {
 public:
  // Why something is not read: it is not all there, an object is in it, or its length is none.
  enum class Refusal : std::uint8_t { kEnd, kObject, kLength };

  explicit ParcelReader(ParcelView parcel, std::size_t position = 0)
      : parcel_(parcel), position_(position) {}

  // `bytes` of plain data and its padding.
  [[nodiscard]] std::expected<const std::byte*, Refusal> take(std::size_t bytes) {
    if (bytes > kMostParcelBytes || position_ > parcel_.data.size()) {
      return std::unexpected(Refusal::kEnd);
    }
    const std::size_t with_padding = padded(bytes);
    if (with_padding > parcel_.data.size() - position_) return std::unexpected(Refusal::kEnd);
    if (meets_object(parcel_.offsets, position_, with_padding)) {
      return std::unexpected(Refusal::kObject);
    }
    const std::byte* const at = parcel_.data.data() + position_;
    position_ += with_padding;
    return at;
  }
  // The units of a string, which are in the parcel and not aligned to their size; null for a null
  // string. If they are refused, the length has been taken.
  struct Units {
    const std::byte* units = nullptr;
    std::size_t count = 0;
  };
  [[nodiscard]] std::expected<Units, Refusal> string16_units();
  // A flat object, which may be one that the offsets do not list.
  struct Object {
    flat_binder_object object;
    bool listed = false;
  };
  [[nodiscard]] std::expected<Object, Refusal> object();

  // ---- what names are read with: these say only whether there is such a thing ----

  [[nodiscard]] std::optional<std::int32_t> i32();
  // Names are ASCII here; anything else in a string becomes '?', which no name may contain. Nothing
  // if it is null, longer than any name, or not a string. A failed read leaves the position where
  // it was.
  [[nodiscard]] std::optional<std::string> string16();
  // A binder object that is a handle here. Nothing for null binders and anything else.
  [[nodiscard]] std::optional<Handle> handle();
  // Whether the reader's own node `ptr` is next; if so, moves behind it. A program that has it as
  // handle 0 may leave it out of the offsets, as libbinder takes it for a null binder there.
  [[nodiscard]] bool own_binder(std::uint64_t ptr);

  // Whether the offsets list an object that is at the position.
  [[nodiscard]] bool listed() const { return is_object(parcel_.offsets, position_); }
  [[nodiscard]] std::size_t remaining() const { return parcel_.data.size() - position_; }
  [[nodiscard]] std::size_t objects() const { return parcel_.offsets.size(); }
  [[nodiscard]] std::size_t position() const { return position_; }
  void seek(std::size_t position) { position_ = position; }

 private:
  ParcelView parcel_;
  std::size_t position_ = 0;
};

}  // namespace netbinder
