// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <list>

#include "tools/reserved_port.h"

namespace netbinder::testing {

// A TCP port of the loopback address for a program that the test starts. It is the test's until
// this program ends.
inline std::uint16_t reserved_port() {
  static std::list<tools::ReservedPort> ports;
  return ports.emplace_back().number();
}

}  // namespace netbinder::testing
