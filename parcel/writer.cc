// SPDX-License-Identifier: Apache-2.0
#include "parcel/writer.h"

#include "parcel/objects.h"

namespace netbinder {

void ParcelWriter::i32(std::int32_t value) {
  const auto* begin = reinterpret_cast<const std::byte*>(&value);
  bytes_.data.insert(bytes_.data.end(), begin, begin + sizeof value);
}

void ParcelWriter::string16(std::string_view text) {
  i32(static_cast<std::int32_t>(text.size()));
  for (const char c : text) {
    bytes_.data.push_back(static_cast<std::byte>(c));
    bytes_.data.push_back(std::byte{0});
  }
  bytes_.data.insert(bytes_.data.end(), 2, std::byte{0});
  while (bytes_.data.size() % 4 != 0) bytes_.data.push_back(std::byte{0});
}

void ParcelWriter::interface_token(const TokenWords& words, std::string_view descriptor) {
  for (const std::int32_t word : words.words()) i32(word);
  string16(descriptor);
}

void ParcelWriter::object(const flat_binder_object& object, bool listed) {
  if (listed) bytes_.offsets.push_back(bytes_.data.size());
  const auto* begin = reinterpret_cast<const std::byte*>(&object);
  bytes_.data.insert(bytes_.data.end(), begin, begin + sizeof object);
}

void ParcelWriter::handle(Handle handle) { object(handle_object(handle.value()), true); }

void ParcelWriter::binder(std::uint64_t ptr, std::uint64_t cookie) {
  object(node_object(ptr, cookie), true);
}

void ParcelWriter::null_binder() { object(null_object(), false); }

}  // namespace netbinder
