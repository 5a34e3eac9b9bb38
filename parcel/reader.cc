// SPDX-License-Identifier: Apache-2.0
#include "parcel/reader.h"

namespace netbinder {

namespace {

// Longer strings than any name of an interface or service are not read.
constexpr std::size_t kMostNameUnits = 4096;

}  // namespace

std::expected<ParcelReader::Units, ParcelReader::Refusal> ParcelReader::string16_units() {
  const auto word = take(sizeof(std::int32_t));
  if (!word) return std::unexpected(word.error());
  std::int32_t length = 0;
  std::memcpy(&length, *word, sizeof length);
  if (length == -1) return Units{};
  if (length < 0) return std::unexpected(Refusal::kLength);
  const auto units = take((static_cast<std::size_t>(length) + 1) * sizeof(char16_t));
  if (!units) return std::unexpected(units.error());
  return Units{.units = *units, .count = static_cast<std::size_t>(length)};
}

std::expected<ParcelReader::Object, ParcelReader::Refusal> ParcelReader::object() {
  Object read{};
  if (position_ > parcel_.data.size() || remaining() < sizeof read.object) {
    return std::unexpected(Refusal::kEnd);
  }
  read.listed = listed();
  if (!read.listed && meets_object(parcel_.offsets, position_, sizeof read.object)) {
    return std::unexpected(Refusal::kObject);
  }
  std::memcpy(&read.object, parcel_.data.data() + position_, sizeof read.object);
  position_ += sizeof read.object;
  return read;
}

std::optional<std::int32_t> ParcelReader::i32() {
  std::int32_t value = 0;
  const auto at = take(sizeof value);
  if (!at) return std::nullopt;
  std::memcpy(&value, *at, sizeof value);
  return value;
}

std::optional<std::string> ParcelReader::string16() {
  const std::size_t start = position_;
  const auto string = string16_units();
  if (string && string->units == nullptr) return std::nullopt;
  if (!string || string->count > kMostNameUnits) {
    position_ = start;
    return std::nullopt;
  }
  std::string text;
  text.reserve(string->count);
  for (std::size_t i = 0; i < string->count; ++i) {
    char16_t unit = 0;
    std::memcpy(&unit, string->units + i * sizeof unit, sizeof unit);
    text.push_back(unit >= 0x20 && unit < 0x7f ? static_cast<char>(unit) : '?');
  }
  return text;
}

bool ParcelReader::own_binder(std::uint64_t ptr) {
  const std::size_t start = position_;
  const auto read = object();
  if (!read) return false;
  const flat_binder_object& object = read->object;
  const bool own = read->listed ? object.hdr.type == BINDER_TYPE_BINDER && object.binder == ptr
                                : object.hdr.type == BINDER_TYPE_HANDLE && object.binder == 0 &&
                                      object.cookie == 0;
  if (!own) position_ = start;
  return own;
}

std::optional<Handle> ParcelReader::handle() {
  const auto read = object();
  if (!read || !read->listed || read->object.hdr.type != BINDER_TYPE_HANDLE) return std::nullopt;
  return Handle{read->object.handle};
}

}  // namespace netbinder
