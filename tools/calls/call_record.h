// SPDX-License-Identifier: Apache-2.0
//
// The calls of one host, put together from what its agent has recorded of them, point by point.
// Plain values; nothing in them is relied on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

#include "core/model/call_observer.h"
#include "node-agent/call_ring.h"

namespace netbinder::tools {

// One call, as one host saw it.
struct CallRecord {
  std::uint64_t trace = 0, span = 0, parent = 0;
  std::uint32_t code = 0, flags = 0, node = 0, debug_id = 0;
  bool oneway = false;
  CallEnd caller;
  CallEnd handler;
  std::uint64_t call_bytes = 0;
  std::uint64_t reply_bytes = 0;
  std::uint64_t began_ns = 0;                      // as the agent says; 0: before it recorded
  std::array<std::uint64_t, kCallPoints> at_ns{};  // 0: not reached, or not recorded
  std::uint32_t failed_command = 0;                // 0: it has not failed
  std::int32_t failed_error = 0;
  std::uint32_t failed_line = 0;
  std::uint16_t reason = 0;

  [[nodiscard]] std::uint64_t at(CallPoint point) const {
    return at_ns[static_cast<std::size_t>(point)];
  }
  [[nodiscard]] bool has(CallPoint point) const { return at(point) != 0; }
  // It came from another host.
  [[nodiscard]] bool arrived() const { return caller.host != HostId{}; }
  // It went to another host.
  [[nodiscard]] bool sent() const { return handler.host != HostId{}; }
  // The first and the last point that were recorded.
  [[nodiscard]] std::uint64_t first_ns() const;
  [[nodiscard]] std::uint64_t last_ns() const;
  [[nodiscard]] bool failed() const { return failed_command != 0; }
  // From its beginning on this host to its last point there. Nothing: it began before its agent
  // recorded.
  [[nodiscard]] std::optional<double> duration_us() const;
  // Whether the point is the call's end on this host.
  [[nodiscard]] bool ends_with(CallPoint point) const;

  void add(const call_ring::Entry& entry);
};

// Whether a call that the agent with that pid has recorded carries a question to another host's
// agent, or an answer, or a part of one.
[[nodiscard]] bool carries_question(const CallRecord& call, std::int32_t agent_pid);

// Whether the entry is one that an agent of this build could have written.
[[nodiscard]] bool is_sound(const call_ring::Entry& entry);

// The name of BR_DEAD_REPLY and the like.
[[nodiscard]] std::string failure_name(std::uint32_t command);
// A failure for people: that name, its negative errno, and the reason, in general words if there
// are none.
[[nodiscard]] std::string failure_text(const std::string& name, std::int32_t error,
                                       const std::string& reason);

}  // namespace netbinder::tools
