// SPDX-License-Identifier: Apache-2.0
#include "tools/calls/ended_calls.h"

#include <utility>

namespace netbinder::tools {

std::optional<CallRecord> EndedCalls::add(const call_ring::Entry& entry) {
  const auto point = static_cast<CallPoint>(entry.point);
  if (point == CallPoint::kHandled) return std::nullopt;
  if (under_way_.size() >= most_under_way_) under_way_.clear();
  const auto found = under_way_.try_emplace(entry.span).first;
  found->second.add(entry);
  if (!found->second.ends_with(point)) return std::nullopt;
  CallRecord ended = std::move(found->second);
  under_way_.erase(found);
  return ended;
}

}  // namespace netbinder::tools
