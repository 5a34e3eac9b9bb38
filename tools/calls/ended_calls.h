// SPDX-License-Identifier: Apache-2.0
//
// The calls of one host, each when it ends there, put together from what was recorded of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "tools/calls/call_record.h"

namespace netbinder::tools {

class EndedCalls {
 public:
  // Calls whose end is never read, as it was overwritten, would stay for ever: if there are more
  // than that, all that are under way are forgotten.
  explicit EndedCalls(std::size_t most_under_way) : most_under_way_(most_under_way) {}

  // The next entry in its order. The call, if this is its end; nothing: it goes on.
  std::optional<CallRecord> add(const call_ring::Entry& entry);

 private:
  std::size_t most_under_way_;
  std::unordered_map<std::uint64_t, CallRecord> under_way_;  // by span
};

}  // namespace netbinder::tools
