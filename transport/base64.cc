// SPDX-License-Identifier: Apache-2.0
#include "transport/base64.h"

#include <openssl/evp.h>

namespace netbinder {

std::string to_base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');  // with the NUL that is written, too
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::expected<std::string, std::string> from_base64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (text.size() % 4 != 0) return std::unexpected("base64 of an odd length");
  std::string bytes(text.size() / 4 * 3, '\0');
  if (text.empty()) return bytes;
  // The decoder passes over space around the text, and takes padding anywhere for zeros.
  const std::size_t padding = text.size() - (text.find_last_not_of('=') + 1);
  if (padding > 2 ||
      text.substr(0, text.size() - padding).find_first_not_of(kDigits) != std::string_view::npos ||
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(text.size())) != static_cast<int>(bytes.size())) {
    return std::unexpected("what should be base64 is not");
  }
  bytes.resize(bytes.size() - padding);
  return bytes;
}

}  // namespace netbinder
