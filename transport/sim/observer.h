// SPDX-License-Identifier: Apache-2.0
//
// Observations beyond PeerEvents, for tests that judge a transport by a model of their own: when
// links go, what devices do to memory, and whether peers keep the protocol.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "core/base/ids.h"

namespace netbinder::sim {

class Observer {
 public:
  virtual ~Observer() = default;
  // All leases that the peer has of this host end with it; lease_ended of each follows.
  virtual void link_lost(HostId /*peer*/) {}
  // The peer's device is about to write into space that was lent to it.
  virtual void device_writes(HostId /*peer*/, std::span<const std::byte> /*place*/) {}
  // The peer broke the protocol with something that arrived; the session is given up.
  virtual void protocol_broken(HostId /*peer*/, const std::string& /*how*/) {}
};

}  // namespace netbinder::sim
