// SPDX-License-Identifier: Apache-2.0
//
// What is under way between two hosts, kept beside the real session and apart from it: every
// message the one's core sent and the other's has not received. Each must arrive as it was sent, in
// order and once, until the session ends.
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
