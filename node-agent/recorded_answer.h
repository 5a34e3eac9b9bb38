// SPDX-License-Identifier: Apache-2.0
//
// The answer to what was recorded of calls since an entry, as a line of JSON, for tools that cannot
// have the ring because they are on another host. It is made in slices, and is bounded: what is
// left waits in the ring for the next question, until it is overwritten.
//
//   {"version": call_ring::kVersion, "recording": "…", "next": N, "lost": N, "more": B,
//    "host": N, "host_name": "…", "boot": "…", "wall_ns": N, "agent_pid": N, "hosts": {"N": "…"},
//    "interfaces": {"NODE": "…"}, "programs": {"PID": "…"}, "reasons": {"N": "…"},
//    "entries": "…"}
//
// `recording` names the ring, as long as it is the same one, and `next` the entry behind the last
// one: the next question has both. `lost` entries before the first one, or among them, were
// overwritten, and there are `more`. `wall_ns`: the clock on the wall is ahead of the entries' by
// so much. Names are those that the entries need; the entries are as in
// node-agent/call_entry_text.h.
//
// Thread: the one that writes the ring, between two of its entries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "node-agent/call_ring.h"

namespace netbinder {

class RecordedAnswer {
 public:
  static constexpr std::size_t kMostEntries = 16'384;
  static constexpr std::uint64_t kEntriesOfASlice = 128;  // some tens of microseconds

  using HostNames = std::map<std::uint32_t, std::string>;  // by number

  // Takes the entries behind that number, as far as there are any by now.
  RecordedAnswer(const call_ring::Ring& ring, std::string recording, std::uint64_t since,
                 HostNames hosts);

  [[nodiscard]] const std::string& recording() const { return recording_; }
  // Adds a slice; the ring is that of the recording. True: it was the last one.
  [[nodiscard]] bool go_on(const call_ring::Ring& ring);
  // With its end.
  [[nodiscard]] std::string line(const call_ring::Ring& ring) const;

 private:
  std::string recording_;
  std::uint64_t next_;
  std::uint64_t end_;
  HostNames hosts_;
  std::uint64_t lost_ = 0;
  std::string entries_;
  std::set<std::uint32_t> nodes_;
  std::set<std::int32_t> pids_;
  std::set<std::uint16_t> reasons_;
};

}  // namespace netbinder
