// SPDX-License-Identifier: Apache-2.0
//
// Requests to a service manager of the oldest dialect: the part that all of them begin with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace netbinder::testing {

inline void put_word(std::vector<std::byte>& data, std::uint32_t value) {
  const auto* begin = reinterpret_cast<const std::byte*>(&value);
  data.insert(data.end(), begin, begin + sizeof value);
}

inline void put_string16(std::vector<std::byte>& data, const std::string& text) {
  put_word(data, static_cast<std::uint32_t>(text.size()));
  for (const char c : text) {
    data.push_back(static_cast<std::byte>(c));
    data.push_back(std::byte{0});
  }
  data.resize((data.size() + 2 + 3) & ~std::size_t{3});
}

inline std::vector<std::byte> classic_request(const std::string& name) {
  std::vector<std::byte> data;
  put_word(data, 0);
  put_string16(data, "android.os.IServiceManager");
  put_string16(data, name);
  return data;
}

}  // namespace netbinder::testing
