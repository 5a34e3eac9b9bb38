// SPDX-License-Identifier: Apache-2.0
#include "parcel/hidl.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace netbinder {

namespace {

constexpr std::size_t kMaxText = 1024;
constexpr std::size_t kMaxStrings = 4096;

// hidl_string and hidl_vec.
struct Header {
  std::uint64_t buffer = 0;
  std::uint32_t size = 0;  // of a string without its zero
  std::uint32_t owns = 0;
};
static_assert(sizeof(Header) == 16);

std::vector<std::byte> bytes_of(const void* from, std::size_t size) {
  const auto* const begin = static_cast<const std::byte*>(from);
  return {begin, begin + size};
}

}  // namespace

// ---- reading ----

std::optional<std::string> HidlReader::text() {
  std::string text;
  for (std::size_t at = position_; at < parcel_.data.size() && text.size() < kMaxText; ++at) {
    const auto letter = static_cast<char>(parcel_.data[at]);
    if (letter == '\0') {
      position_ = std::min((at + 1 + 3) & ~std::size_t{3}, parcel_.data.size());
      return text;
    }
    text.push_back(letter);
  }
  return std::nullopt;
}

std::optional<std::int32_t> HidlReader::i32() {
  std::int32_t value = 0;
  if (parcel_.data.size() - position_ < sizeof value) return std::nullopt;
  std::memcpy(&value, parcel_.data.data() + position_, sizeof value);
  position_ += sizeof value;
  return value;
}

bool HidlReader::next_object(void* into, std::size_t size, std::uint32_t type) {
  // They are at multiples of eight; only those that the offsets list have been translated.
  const std::size_t at = (position_ + 7) & ~std::size_t{7};
  for (const std::size_t place : {position_, at}) {
    const bool listed =
        std::find(parcel_.offsets.begin(), parcel_.offsets.end(), place) != parcel_.offsets.end();
    if (!listed || parcel_.data.size() < size || place > parcel_.data.size() - size) continue;
    binder_object_header header;
    std::memcpy(&header, parcel_.data.data() + place, sizeof header);
    if (header.type != type) return false;
    std::memcpy(into, parcel_.data.data() + place, size);
    position_ = place + size;
    return true;
  }
  return false;
}

std::optional<std::span<const std::byte>> HidlReader::buffer() {
  binder_buffer_object object;
  if (!next_object(&object, sizeof object, BINDER_TYPE_PTR)) return std::nullopt;
  const auto begin = reinterpret_cast<std::uint64_t>(parcel_.arena.data());
  if (object.length > parcel_.arena.size() || object.buffer < begin ||
      object.buffer - begin > parcel_.arena.size() - object.length) {
    return std::nullopt;
  }
  return parcel_.arena.subspan(object.buffer - begin, object.length);
}

std::optional<std::string> HidlReader::string_in(std::span<const std::byte> bytes) {
  Header header;
  std::memcpy(&header, bytes.data(), sizeof header);
  const auto text = buffer();
  if (!text || text->size() <= header.size || header.size > kMaxText) return std::nullopt;
  std::string made;
  for (const std::byte each : text->first(header.size)) {
    const auto letter = static_cast<char>(each);
    made.push_back(letter >= 0x20 && letter < 0x7f ? letter : '?');
  }
  return made;
}

std::optional<std::string> HidlReader::string() {
  const auto header = buffer();
  if (!header || header->size() != sizeof(Header)) return std::nullopt;
  return string_in(*header);
}

std::optional<std::vector<std::string>> HidlReader::strings() {
  const auto header = buffer();
  if (!header || header->size() != sizeof(Header)) return std::nullopt;
  Header vector;
  std::memcpy(&vector, header->data(), sizeof vector);
  if (vector.size > kMaxStrings) return std::nullopt;
  std::vector<std::string> made;
  const auto elements = buffer();
  if (!elements || elements->size() < vector.size * sizeof(Header)) return std::nullopt;
  for (std::size_t i = 0; i < vector.size; ++i) {
    auto text = string_in(elements->subspan(i * sizeof(Header), sizeof(Header)));
    if (!text) return std::nullopt;
    made.push_back(std::move(*text));
  }
  return made;
}

std::optional<Handle> HidlReader::handle() {
  flat_binder_object object;
  if (!next_object(&object, sizeof object, BINDER_TYPE_HANDLE)) return std::nullopt;
  return Handle{object.handle};
}

// ---- writing ----

void HidlWriter::i32(std::int32_t value) {
  const auto bytes = bytes_of(&value, sizeof value);
  bytes_.data.insert(bytes_.data.end(), bytes.begin(), bytes.end());
}

void HidlWriter::text(std::string_view text) {
  for (const char letter : text) bytes_.data.push_back(static_cast<std::byte>(letter));
  bytes_.data.push_back(std::byte{0});
  while (bytes_.data.size() % 4 != 0) bytes_.data.push_back(std::byte{0});
}

void HidlWriter::object(const void* object, std::size_t size, bool listed) {
  if (listed) bytes_.offsets.push_back(bytes_.data.size());
  const auto bytes = bytes_of(object, size);
  bytes_.data.insert(bytes_.data.end(), bytes.begin(), bytes.end());
}

std::size_t HidlWriter::add_buffer(std::vector<std::byte> bytes,
                                   std::optional<std::pair<std::size_t, std::size_t>> parent) {
  bytes_.buffers.push_back(std::move(bytes));
  const std::vector<std::byte>& kept = bytes_.buffers.back();
  binder_buffer_object made{};
  made.hdr.type = BINDER_TYPE_PTR;
  made.buffer = reinterpret_cast<std::uint64_t>(kept.data());
  made.length = kept.size();
  if (parent) {
    made.flags = BINDER_BUFFER_FLAG_HAS_PARENT;
    made.parent = parent->first;
    made.parent_offset = parent->second;
  }
  const std::size_t number = bytes_.offsets.size();
  object(&made, sizeof made, true);
  return number;
}

// The driver demands that a parent's pointer to a buffer gives the place of that pointer.
void HidlWriter::add_text(const std::string& text, std::size_t parent, std::size_t place) {
  (void)add_buffer(bytes_of(text.c_str(), text.size() + 1), std::pair(parent, place));
}

void HidlWriter::string(const std::string& text) {
  const Header header{.buffer = 0, .size = static_cast<std::uint32_t>(text.size()), .owns = 0};
  const std::size_t number = add_buffer(bytes_of(&header, sizeof header), std::nullopt);
  add_text(text, number, 0);
}

void HidlWriter::strings(const std::vector<std::string>& texts) {
  std::vector<Record> records_of;
  for (const std::string& text : texts) {
    records_of.push_back({.bytes = std::vector<std::byte>(sizeof(Header)), .strings = {{0, text}}});
  }
  records(std::move(records_of), sizeof(Header));
}

void HidlWriter::records(std::vector<Record> all, std::size_t size_of_each) {
  const Header header{.buffer = 0, .size = static_cast<std::uint32_t>(all.size()), .owns = 0};
  const std::size_t vector = add_buffer(bytes_of(&header, sizeof header), std::nullopt);
  std::vector<std::byte> elements;
  for (Record& each : all) {
    each.bytes.resize(size_of_each);
    for (const auto& [place, text] : each.strings) {
      const Header of_text{.buffer = 0, .size = static_cast<std::uint32_t>(text.size()), .owns = 0};
      std::memcpy(each.bytes.data() + place, &of_text, sizeof of_text);
    }
    elements.insert(elements.end(), each.bytes.begin(), each.bytes.end());
  }
  const std::size_t array = add_buffer(std::move(elements), std::pair(vector, std::size_t{0}));
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (const auto& [place, text] : all[i].strings) {
      add_text(text, array, i * size_of_each + place);
    }
  }
}

void HidlWriter::handle(Handle handle) {
  flat_binder_object flat{};
  flat.hdr.type = BINDER_TYPE_HANDLE;
  flat.flags = 0x7f | FLAT_BINDER_FLAG_ACCEPTS_FDS;
  flat.handle = handle.value();
  object(&flat, sizeof flat, true);
}

void HidlWriter::binder(std::uint64_t ptr, std::uint64_t cookie) {
  flat_binder_object flat{};
  flat.hdr.type = BINDER_TYPE_BINDER;
  flat.flags = 0x7f | FLAT_BINDER_FLAG_ACCEPTS_FDS;
  flat.binder = ptr;
  flat.cookie = cookie;
  object(&flat, sizeof flat, true);
}

void HidlWriter::null_binder() {
  flat_binder_object flat{};
  flat.hdr.type = BINDER_TYPE_BINDER;
  object(&flat, sizeof flat, false);
}

}  // namespace netbinder
