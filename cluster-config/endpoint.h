// SPDX-License-Identifier: Apache-2.0
//
// An endpoint of etcd, "http://host:port" or "https://host:port", in its parts. Pure.
#pragma once

#include <expected>
#include <string>

namespace netbinder {

struct Endpoint {
  bool tls = false;
  bool loopback = false;  // "localhost", or an address that is one
  std::string host;       // a name, or an address without brackets
  std::string port;
};

// Or what is wrong with it.
[[nodiscard]] std::expected<Endpoint, std::string> parse_endpoint(const std::string& text);

}  // namespace netbinder
