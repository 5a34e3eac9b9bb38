// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>

#include <algorithm>

#include "membership/etcd/wire.h"

namespace netbinder::etcd {

std::string to_base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // with the NUL that is written, too
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

Read<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::unexpected("base64 of an odd length");
  std::string bytes(text.size() / 4 * 3, '\0');
  if (text.empty()) return bytes;
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     static_cast<int>(text.size()));
  if (length < 0) return std::unexpected("what should be base64 is not");
  // It counts what the padding stands for.
  const auto padding = std::min<std::size_t>(text.size() - text.find_last_not_of('=') - 1, 2);
  bytes.resize(static_cast<std::size_t>(length) - padding);
  return bytes;
}

}  // namespace netbinder::etcd
