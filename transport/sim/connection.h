// SPDX-License-Identifier: Apache-2.0
//
// A connection of the simulated network: two byte queues, which hold encoded frames until they are
// due. A frame's payload arrives after its head, so a connection can end between the two.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "core/base/ids.h"
#include "transport/frame.h"

namespace netbinder::sim {

struct Connection {
  struct Packet {
    std::shared_ptr<const OutgoingFrame> frame;  // null: the end of the stream
    LeaseId lease;                               // other than 0: its payload is there already
    std::uint64_t due_ms = 0;
    bool head_taken = false;

    [[nodiscard]] bool carries_payload() const { return lease == LeaseId{}; }
    [[nodiscard]] std::uint64_t bytes() const {
      if (!frame) return 0;
      return carries_payload() ? frame->size() : frame->head.size();
    }
  };
  struct Pipe {
    std::deque<Packet> packets;
    std::uint64_t bytes = 0;
    std::uint64_t last_due_ms = 0;
    bool scheduled = false;
  };
  std::array<HostId, 2> hosts;  // the dialer, the acceptor
  std::array<std::uint64_t, 2> lives{};
  std::array<bool, 2> open{true, true};
  bool half_open = false;     // nothing arrives any more, and nobody is notified
  std::array<Pipe, 2> pipes;  // by the side that writes
};
using ConnectionPtr = std::shared_ptr<Connection>;

}  // namespace netbinder::sim
