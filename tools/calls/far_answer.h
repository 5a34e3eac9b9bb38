// SPDX-License-Identifier: Apache-2.0
//
// The answer of another host's agent to what it has recorded of calls
// (node-agent/recorded_answer.h), after a look at all of it: that host may be wrong, or lie. Plain
// values, no I/O.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "node-agent/call_ring.h"

namespace netbinder::tools {

struct FarAnswer {
  // Times are of clocks that have run for less: so sums of some of them are numbers, too.
  static constexpr std::uint64_t kMostNs = std::uint64_t{1} << 58;  // nine years

  std::string recording;
  std::uint64_t next = 0;
  std::uint64_t lost = 0;
  bool more = false;
  std::uint32_t host = 0;
  std::string boot;
  std::int64_t wall_ns = 0;
  std::int32_t agent_pid = 0;
  std::map<std::uint32_t, std::string> hosts;
  std::map<std::uint32_t, std::string> interfaces;
  std::map<std::int32_t, std::string> programs;
  std::map<std::uint16_t, std::string> reasons;
  std::vector<call_ring::Entry> entries;  // sound ones only, and without their numbers
};

// Throws std::runtime_error with a plain sentence if it makes no sense, or is in the form of
// another version.
[[nodiscard]] FarAnswer far_answer_of(const nlohmann::json& answer);

}  // namespace netbinder::tools
