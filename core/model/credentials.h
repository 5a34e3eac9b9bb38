// SPDX-License-Identifier: Apache-2.0
//
// The identity of the program that opened the device, as the host program attests it. A plain
// value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace netbinder {

struct Credentials {
  std::int32_t pid = 0;
  std::uint32_t euid = 0;
  std::string security_context;  // not empty
  std::int32_t nice = 0;         // which loopers take on when they wait for work
  std::vector<std::uint32_t> groups = {};  // at the open, for the policy
};

}  // namespace netbinder
