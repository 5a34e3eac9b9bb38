// SPDX-License-Identifier: Apache-2.0
//
// The messages under way between two hosts, recorded apart from the real session: every message
// that one core has sent and the other has not received. Each must arrive as it was sent, in order
// and once, until the session ends.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>

#include "core/base/ids.h"
#include "core/wire/payload.h"
#include "core/wire/peer_message.h"

namespace netbinder::sim {

struct Letter {
  PeerMessage message;
  Payload payload;
};

struct Shadow {
  std::map<HostId, std::deque<Letter>> to;
};
using ShadowPtr = std::shared_ptr<Shadow>;

}  // namespace netbinder::sim
