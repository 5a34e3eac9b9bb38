// SPDX-License-Identifier: Apache-2.0
//
// What PeerEvents do not tell, for tests that judge a transport by a model of their own: they see
// when links go, what devices do to memory, and that peers keep the protocol.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "core/base/ids.h"

namespace netbinder::sim {

class Observer {
 public:
  virtual ~Observer() = default;
  // With it go all leases the peer has of this host; lease_ended of each follows.
  virtual void link_lost(HostId /*peer*/) {}
  // The peer's device is about to write into space that was lent to it.
  virtual void device_writes(HostId /*peer*/, std::span<const std::byte> /*place*/) {}
  // By what has arrived; the session is given up.
  virtual void protocol_broken(HostId /*peer*/, const std::string& /*how*/) {}
};

}  // namespace netbinder::sim
