// SPDX-License-Identifier: Apache-2.0
//
// A peer's built-in manager, as this host's built-in manager holds it: with one strong reference.
#pragma once

#include "core/base/ids.h"

namespace netbinder {

struct PeerServiceManager {
  HostId host;
  Handle handle;
};

}  // namespace netbinder
