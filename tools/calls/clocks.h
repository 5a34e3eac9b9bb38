// SPDX-License-Identifier: Apache-2.0
//
// How the clocks of hosts differ, from the calls between them: nothing arrives before it was sent.
// A message one way bounds the difference of two clocks from one side, a message back from the
// other one; so the shortest round trips over a link tell the difference, with an error of half
// their length. Hosts without calls between them are compared through others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/calls/recording.h"

namespace netbinder::tools {

struct ClockOffset {
  std::int64_t offset_ns = 0;  // this clock is ahead of the first host's by so much
  // Half of what is possible; nothing: nothing tells, or only messages one way.
  std::optional<std::uint64_t> error_ns = 0;
};

// For each host, in their order. The first host's is 0.
[[nodiscard]] std::vector<ClockOffset> compare_clocks(const std::vector<HostRecording>& hosts);

// The same, for people: one line for each host but the first.
[[nodiscard]] std::vector<std::string> clock_lines(const std::vector<HostRecording>& hosts,
                                                   const std::vector<ClockOffset>& clocks);

}  // namespace netbinder::tools
