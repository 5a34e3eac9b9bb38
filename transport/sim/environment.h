// SPDX-License-Identifier: Apache-2.0
//
// The state that the parts of a SimTransport share. The SimTransport owns it.
#pragma once

#include <cstdint>

#include "transport/config.h"
#include "transport/sim/network.h"
#include "transport/sim/observer.h"
#include "transport/transport.h"

namespace netbinder::sim {

struct Environment {
  Network& network;
  TransportConfig config;
  PeerEvents& events;
  Observer& observer;
  bool stalled = false;  // the process does not run

  [[nodiscard]] std::uint64_t now_ms() const { return network.clock().now_ms(); }
};

}  // namespace netbinder::sim
