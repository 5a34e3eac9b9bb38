// SPDX-License-Identifier: Apache-2.0
#include "tools/calls/recording.h"

namespace netbinder::tools {

std::unordered_map<std::uint64_t, CallRecord> HostRecording::calls() const {
  std::unordered_map<std::uint64_t, CallRecord> found;
  for (const call_ring::Entry& entry : entries) {
    const bool handled = static_cast<CallPoint>(entry.point) == CallPoint::kHandled;
    if (handled && !found.contains(entry.span)) continue;
    found[entry.span].add(entry);
  }
  return found;
}

std::vector<Load> HostRecording::loads() const {
  std::vector<Load> found;
  for (const call_ring::Entry& entry : entries) {
    const auto point = static_cast<CallPoint>(entry.point);
    if (point != CallPoint::kQueued && point != CallPoint::kDelivered) continue;
    found.push_back({.time_ns = entry.time_ns,
                     .pid = entry.handler_pid,
                     .process = entry.handler_process,
                     .outstanding = entry.outstanding,
                     .arena_used = entry.arena_used});
  }
  return found;
}

}  // namespace netbinder::tools
