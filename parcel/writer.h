// SPDX-License-Identifier: Apache-2.0
//
// Writing a parcel as Android's libbinder lays it out, from its beginning to its end, in memory of
// its own. What it refers to is held by whoever writes it.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/ids.h"
#include "core/base/uapi.h"
#include "parcel/dialect.h"
#include "parcel/view.h"

namespace netbinder {

class ParcelWriter {
 public:
  void i32(std::int32_t value);
  void u32(std::uint32_t value) { i32(static_cast<std::int32_t>(value)); }
  // The text is Latin-1: each byte is a unit.
  void string16(std::string_view text);
  void null_string16() { i32(-1); }
  // Writes the header that comes before a request's arguments.
  void interface_token(const TokenWords& words, std::string_view descriptor);
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
