// SPDX-License-Identifier: Apache-2.0
#include "transport/tcp/address.h"

#include <boost/asio/ip/address.hpp>
#include <charconv>

namespace netbinder::tcp {

std::optional<boost::asio::ip::tcp::endpoint> Address::endpoint() const {
  boost::system::error_code error;
  const auto ip = boost::asio::ip::make_address(host, error);
  if (error) return std::nullopt;
  return boost::asio::ip::tcp::endpoint(ip, port);
}

std::expected<Address, std::string> parse_address(const std::string& text) {
  const auto fail = [&](const char* why) {
    return std::unexpected("'" + text + "' is not an address: " + why);
  };
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return fail("there is no port (ip:port, [ipv6]:port, name:port)");

  Address address{.host = text.substr(0, colon), .port = 0};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, address.port);
  if (error != std::errc() || stop != end) return fail("the port is not a number up to 65535");

  if (address.host.size() >= 2 && address.host.front() == '[' && address.host.back() == ']') {
    address.host = address.host.substr(1, address.host.size() - 2);
    const auto endpoint = address.endpoint();
    if (!endpoint || !endpoint->address().is_v6()) return fail("no IPv6 address in the brackets");
  } else if (address.host.find(':') != std::string::npos) {
    return fail("an IPv6 address is written in brackets");
  }
  if (address.host.empty()) return fail("there is no host");
  return address;
}

std::string to_string(const boost::asio::ip::tcp::endpoint& endpoint) {
  const std::string ip = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + ip + "]:" + port : ip + ":" + port;
}

}  // namespace netbinder::tcp
