// SPDX-License-Identifier: Apache-2.0
//
// Reading and writing parcels as HIDL lays them out (libhwbinder): strings and vectors are structs
// in buffers of their own, which the parcel lists as objects, and the memory that they point to is
// in further buffers below those.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ids.h"
#include "core/base/uapi.h"
#include "parcel/view.h"

namespace netbinder {

class HidlReader {
 public:
  explicit HidlReader(ParcelView parcel) : parcel_(parcel) {}

  // The zero-terminated text at the position, such as the interface's name that begins a request.
  [[nodiscard]] std::optional<std::string> text();
  [[nodiscard]] std::optional<std::int32_t> i32();
  [[nodiscard]] std::optional<std::string> string();
  [[nodiscard]] std::optional<std::vector<std::string>> strings();
  // A binder object that is a handle here.
  [[nodiscard]] std::optional<Handle> handle();

 private:
  // The next object, a buffer; nothing if it is no buffer, or at a place where none may be.
  std::optional<std::span<const std::byte>> buffer();
  bool next_object(void* into, std::size_t size, std::uint32_t type);
  std::optional<std::string> string_in(std::span<const std::byte> header);

  ParcelView parcel_;
  std::size_t position_ = 0;
};

class HidlWriter {
 public:
  void i32(std::int32_t value);
  void text(std::string_view text);
  void string(const std::string& text);
  void strings(const std::vector<std::string>& texts);
  // A vector of structs, each with its strings at these places.
  struct Record {
    std::vector<std::byte> bytes;
    std::vector<std::pair<std::size_t, std::string>> strings;  // where, and what
  };
  void records(std::vector<Record> records, std::size_t size_of_each);
  void handle(Handle handle);
  void binder(std::uint64_t ptr, std::uint64_t cookie);
  void null_binder();
  [[nodiscard]] ParcelBytes take() { return std::move(bytes_); }

 private:
  // Adds a buffer, below another one's place if `parent` says so. Returns its number.
  std::size_t add_buffer(std::vector<std::byte> bytes,
                         std::optional<std::pair<std::size_t, std::size_t>> parent);
  void string_at(std::vector<std::byte>& header, std::size_t place, const std::string& text);
  void add_text(const std::string& text, std::size_t parent, std::size_t place);
  void object(const void* object, std::size_t size, bool listed);

  ParcelBytes bytes_;
};

}  // namespace netbinder
