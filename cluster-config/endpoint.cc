// SPDX-License-Identifier: Apache-2.0
#include "cluster-config/endpoint.h"

#include <string_view>

#include "cluster-config/address.h"

namespace netbinder {

std::expected<Endpoint, std::string> parse_endpoint(const std::string& text) {
  constexpr std::string_view kPlain = "http://";
  constexpr std::string_view kTls = "https://";
  Endpoint endpoint;
  endpoint.tls = text.starts_with(kTls);
  if (!endpoint.tls && !text.starts_with(kPlain)) {
    return std::unexpected("'" + text + "' begins with neither http:// nor https://");
  }
  std::string address = text.substr(endpoint.tls ? kTls.size() : kPlain.size());
  if (address.ends_with('/')) address.pop_back();
  const ExaminedAddress examined = examine_address(address);
  if (!examined.problem.empty()) return std::unexpected(examined.problem);
  const auto colon = address.rfind(':');
  endpoint.port = address.substr(colon + 1);
  endpoint.host = address.substr(0, colon);
  // Anything but a number is a name, which may resolve to any address.
  const bool numeric = endpoint.host.front() == '[' ||
                       endpoint.host.find_first_not_of("0123456789.") == std::string::npos;
  endpoint.loopback = endpoint.host == "localhost" || (numeric && examined.loopback);
  if (endpoint.host.front() == '[')
    endpoint.host = endpoint.host.substr(1, endpoint.host.size() - 2);
  return endpoint;
}

}  // namespace netbinder
