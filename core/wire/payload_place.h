// SPDX-License-Identifier: Apache-2.0
//
// Where the payload of a peer's message goes when it arrives, ahead of the message itself.
#pragma once

#include <cstddef>
#include <span>

#include "core/base/ids.h"

namespace netbinder {

struct PayloadPlace {
  ProcessId process;
  std::span<std::byte> bytes;  // empty: there is no place, discard the payload
};

}  // namespace netbinder
