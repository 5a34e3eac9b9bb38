// SPDX-License-Identifier: Apache-2.0
//
// Programs that spoke no version of the channel that this agent speaks.
#pragma once

#include <cstdint>

namespace netbinder {

struct OtherVersions {
  std::uint64_t refused = 0;
  std::uint32_t last_version = 0;  // that one of them spoke
  std::int32_t last_pid = 0;
};

}  // namespace netbinder
