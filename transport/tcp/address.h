// SPDX-License-Identifier: Apache-2.0
//
// An address as configured: "ip:port", "[ipv6]:port" or "name:port".
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>

namespace netbinder::tcp {

struct Address {
  std::string host;  // without brackets
  std::uint16_t port = 0;

  // Nothing if the host is a name that has to be looked up.
  [[nodiscard]] std::optional<boost::asio::ip::tcp::endpoint> endpoint() const;
};

[[nodiscard]] std::expected<Address, std::string> parse_address(const std::string& text);

[[nodiscard]] std::string to_string(const boost::asio::ip::tcp::endpoint& endpoint);

}  // namespace netbinder::tcp
