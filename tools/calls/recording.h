// SPDX-License-Identifier: Apache-2.0
//
// A recording of the calls of several hosts, for trace files. Plain values.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "tools/calls/call_record.h"

namespace netbinder::tools {

struct Load {
  std::uint64_t time_ns = 0;
  std::int32_t pid = 0;
  std::uint32_t process = 0;  // the number of the open
  std::uint32_t outstanding = 0;
  std::uint64_t arena_used = 0;
};

struct HostRecording {
  std::uint32_t host = 0;
  std::string name;
  std::string boot;                       // hosts with the same one have one clock
  std::vector<call_ring::Entry> entries;  // in their order
  std::uint64_t lost = 0;
  std::map<std::uint32_t, std::string> interfaces;  // by node
  std::map<std::uint16_t, std::string> reasons;
  std::map<std::int32_t, std::string> programs;  // names, by pid

  // By span. Calls of which only the handling's end was recorded are left out.
  [[nodiscard]] std::unordered_map<std::uint64_t, CallRecord> calls() const;
  [[nodiscard]] std::vector<Load> loads() const;
  [[nodiscard]] std::string interface_of(std::uint32_t node) const {
    const auto found = interfaces.find(node);
    return found == interfaces.end() ? "" : found->second;
  }
};

}  // namespace netbinder::tools
