// SPDX-License-Identifier: Apache-2.0
#include "membership/etcd/password_file.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>

namespace netbinder::etcd {

std::expected<std::string, std::string> password_in(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  std::array<char, 1024> text{};
  if (file) file.read(text.data(), text.size());
  if (!file.is_open() || file.bad()) {
    return std::unexpected("membership.password_file " + name +
                           " cannot be read: " + std::strerror(errno));
  }
  std::string password(text.data(), static_cast<std::size_t>(file.gcount()));
  while (password.ends_with('\n') || password.ends_with('\r')) password.pop_back();
  if (password.empty()) {
    return std::unexpected("membership.password_file " + name + " is empty");
  }
  return password;
}

}  // namespace netbinder::etcd
