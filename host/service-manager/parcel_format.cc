// SPDX-License-Identifier: Apache-2.0
#include "host/service-manager/parcel_format.h"

#include <algorithm>
#include <cstring>

namespace netbinder {

namespace {

// Longer strings than any name of an interface or service are not read.
constexpr std::int32_t kMaxStringUnits = 4096;

}  // namespace

std::optional<std::int32_t> ParcelReader::i32() {
  std::int32_t value = 0;
  if (remaining() < sizeof value) return std::nullopt;
  std::memcpy(&value, parcel_.data.data() + position_, sizeof value);
  position_ += sizeof value;
  return value;
}

std::optional<std::string> ParcelReader::string16() {
  const std::size_t start = position_;
  const auto units = i32();
  if (!units || *units < 0 || *units > kMaxStringUnits) {
    if (!units || *units != -1) position_ = start;
    return std::nullopt;
  }
  const std::size_t bytes = ((static_cast<std::size_t>(*units) + 1) * 2 + 3) & ~std::size_t{3};
  if (remaining() < bytes) {
    position_ = start;
    return std::nullopt;
  }
  std::string text;
  text.reserve(static_cast<std::size_t>(*units));
  for (std::int32_t i = 0; i < *units; ++i) {
    std::uint16_t unit = 0;
    std::memcpy(&unit, parcel_.data.data() + position_ + static_cast<std::size_t>(i) * 2, 2);
    text.push_back(unit >= 0x20 && unit < 0x7f ? static_cast<char>(unit) : '?');
  }
  position_ += bytes;
  return text;
}

// Only the objects that the offsets list have been translated by the driver.
bool ParcelReader::listed() const {
  return std::find(parcel_.offsets.begin(), parcel_.offsets.end(), position_) !=
         parcel_.offsets.end();
}

bool ParcelReader::own_binder(std::uint64_t ptr) {
  flat_binder_object object{};
  if (remaining() < sizeof object) return false;
  std::memcpy(&object, parcel_.data.data() + position_, sizeof object);
  const bool own =
      listed() ? object.hdr.type == BINDER_TYPE_BINDER && object.binder == ptr
               : object.hdr.type == BINDER_TYPE_HANDLE && object.binder == 0 && object.cookie == 0;
  if (own) position_ += sizeof object;
  return own;
}

std::optional<Handle> ParcelReader::handle() {
  flat_binder_object object{};
  if (remaining() < sizeof object) return std::nullopt;
  std::memcpy(&object, parcel_.data.data() + position_, sizeof object);
  const bool listed = this->listed();
  position_ += sizeof object;
  if (!listed || object.hdr.type != BINDER_TYPE_HANDLE) return std::nullopt;
  return Handle{object.handle};
}

void ParcelWriter::i32(std::int32_t value) {
  const auto* begin = reinterpret_cast<const std::byte*>(&value);
  bytes_.data.insert(bytes_.data.end(), begin, begin + sizeof value);
}

void ParcelWriter::string16(const std::string& text) {
  i32(static_cast<std::int32_t>(text.size()));
  for (const char c : text) {
    bytes_.data.push_back(static_cast<std::byte>(c));
    bytes_.data.push_back(std::byte{0});
  }
  bytes_.data.insert(bytes_.data.end(), 2, std::byte{0});
  while (bytes_.data.size() % 4 != 0) bytes_.data.push_back(std::byte{0});
}

void ParcelWriter::object(const flat_binder_object& object, bool listed) {
  if (listed) bytes_.offsets.push_back(bytes_.data.size());
  const auto* begin = reinterpret_cast<const std::byte*>(&object);
  bytes_.data.insert(bytes_.data.end(), begin, begin + sizeof object);
}

void ParcelWriter::handle(Handle handle) {
  flat_binder_object flat{};
  flat.hdr.type = BINDER_TYPE_HANDLE;
  flat.flags = 0x7f | FLAT_BINDER_FLAG_ACCEPTS_FDS;  // as libbinder sends them
  flat.handle = handle.value();
  object(flat, true);
}

void ParcelWriter::binder(std::uint64_t ptr, std::uint64_t cookie) {
  flat_binder_object flat{};
  flat.hdr.type = BINDER_TYPE_BINDER;
  flat.flags = 0x7f | FLAT_BINDER_FLAG_ACCEPTS_FDS;
  flat.binder = ptr;
  flat.cookie = cookie;
  object(flat, true);
}

void ParcelWriter::null_binder() {
  flat_binder_object flat{};
  flat.hdr.type = BINDER_TYPE_BINDER;
  object(flat, false);
}

}  // namespace netbinder
