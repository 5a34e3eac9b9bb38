// SPDX-License-Identifier: Apache-2.0
//
// Addresses of agents, as configurations and memberships have them: "ip:port", "[ipv6]:port" or
// "name:port". Pure.
#pragma once

#include <string>

namespace netbinder {

struct ExaminedAddress {
  std::string problem;   // empty: there is none
  bool loopback = true;  // false only where that is certain: names are looked up later
  bool is_ip = false;
};

[[nodiscard]] ExaminedAddress examine_address(const std::string& address);

// Why agents must not talk over this address; empty: they may. `secure`: they have certificates, or
// are configured to do without.
[[nodiscard]] std::string address_problem(const std::string& address, bool secure);

// Whether hosts and clusters may have this name.
[[nodiscard]] bool host_name_valid(const std::string& name);

}  // namespace netbinder
