// SPDX-License-Identifier: Apache-2.0
//
// The work that a NodeHost has done since its beginning.
#pragma once

#include <cstdint>

namespace netbinder {

struct HostWork {
  std::uint64_t ioctls_done = 0;
  std::uint64_t messages_sent = 0, messages_received = 0;
  std::uint64_t payload_bytes = 0;  // to and from other hosts
};

}  // namespace netbinder
