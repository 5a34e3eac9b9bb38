// SPDX-License-Identifier: Apache-2.0
//
// Reading and writing parcels as Android's libbinder lays them out: little-endian words, strings
// of 16-bit units with a final zero, everything padded to four bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/ids.h"
#include "core/base/uapi.h"
#include "host/parcel.h"

namespace netbinder {

// Names are ASCII here; anything else in a string becomes '?', which no name may contain.
class ParcelReader {
 public:
  explicit ParcelReader(ParcelView parcel) : parcel_(parcel) {}

  [[nodiscard]] std::optional<std::int32_t> i32();
  // Nothing if it is null or not a string. A failed read leaves the position where it was.
  [[nodiscard]] std::optional<std::string> string16();
  // A binder object that is a handle here. Nothing for null binders and anything else.
  [[nodiscard]] std::optional<Handle> handle();
  // Whether the reader's own node `ptr` is next; if so, moves behind it. A program that has it as
  // handle 0 may leave it out of the offsets, as libbinder takes it for a null binder there.
  [[nodiscard]] bool own_binder(std::uint64_t ptr);
  // Whether the offsets list an object that is at the position.
  [[nodiscard]] bool listed() const;
  [[nodiscard]] std::size_t remaining() const { return parcel_.data.size() - position_; }
  [[nodiscard]] std::size_t objects() const { return parcel_.offsets.size(); }
  [[nodiscard]] std::size_t position() const { return position_; }
  void seek(std::size_t position) { position_ = position; }

 private:
  ParcelView parcel_;
  std::size_t position_ = 0;
};

class ParcelWriter {
 public:
  void i32(std::int32_t value);
  void u32(std::uint32_t value) { i32(static_cast<std::int32_t>(value)); }
  void string16(const std::string& text);
  void null_string16() { i32(-1); }
  void handle(Handle handle);
  // A node of the writing process.
  void binder(std::uint64_t ptr, std::uint64_t cookie);
  void null_binder();
  [[nodiscard]] ParcelBytes take() { return std::move(bytes_); }

 private:
  void object(const flat_binder_object& object, bool listed);

  ParcelBytes bytes_;
};

}  // namespace netbinder
