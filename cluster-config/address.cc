// SPDX-License-Identifier: Apache-2.0
#include "cluster-config/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace netbinder {

namespace {
constexpr std::size_t kMaxNameBytes = 255;
}

bool host_name_valid(const std::string& name) {
  return !name.empty() && name.size() <= kMaxNameBytes && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

ExaminedAddress examine_address(const std::string& address) {
  const auto problem = [&](const char* what) {
    return ExaminedAddress{.problem = "'" + address + "' is not an address: " + what};
  };
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) {
    return problem("there is no port (ip:port, [ipv6]:port, name:port)");
  }
  std::uint16_t port = 0;
  const char* const end = address.data() + address.size();
  const auto [stop, error] = std::from_chars(address.data() + colon + 1, end, port);
  if (error != std::errc() || stop != end || port == 0) {
    return problem("the port must be from 1 to 65535");
  }
  const std::string host = address.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    in6_addr ip{};
    if (inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &ip) != 1) {
      return problem("there is no IPv6 address in the brackets");
    }
    return {.problem = {}, .loopback = IN6_IS_ADDR_LOOPBACK(&ip) != 0, .is_ip = true};
  }
  if (host.find(':') != std::string::npos) return problem("an IPv6 address is written in brackets");
  in_addr ip{};
  if (inet_pton(AF_INET, host.c_str(), &ip) == 1) {
    return {.problem = {}, .loopback = ntohl(ip.s_addr) >> 24 == 127, .is_ip = true};
  }
  if (!host_name_valid(host)) return problem("there is no host name before the port");
  return {};
}

std::string address_problem(const std::string& address, bool secure) {
  const ExaminedAddress examined = examine_address(address);
  if (!examined.problem.empty()) return examined.problem;
  if (examined.loopback || secure) return {};
  return "'" + address +
         "' is not a loopback address: hosts talk over a network only with certificates ([tls]), "
         "or "
         "with insecure = true";
}

}  // namespace netbinder
