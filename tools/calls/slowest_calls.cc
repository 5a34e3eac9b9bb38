// SPDX-License-Identifier: Apache-2.0
#include "tools/calls/slowest_calls.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace netbinder::tools {

const SlowestCalls::Second* SlowestCalls::second_of(Time now) const {
  const bool is_there = !seconds_.empty() && now - seconds_.back().begin < std::chrono::seconds(1);
  return is_there ? &seconds_.back() : nullptr;
}

bool SlowestCalls::takes(Time now, double duration_us) const {
  const Second* const second = second_of(now);
  return second == nullptr || second->slowest.size() < kMost ||
         second->slowest.back().duration_us < duration_us;
}

void SlowestCalls::add(Time now, double duration_us, nlohmann::json call) {
  if (second_of(now) == nullptr) seconds_.push_back({.begin = now, .slowest = {}});
  while (now - seconds_.front().begin >= kSpan) seconds_.pop_front();
  auto& slowest = seconds_.back().slowest;
  const auto place =
      std::ranges::upper_bound(slowest, duration_us, std::greater<>(), &Kept::duration_us);
  slowest.insert(place, {.duration_us = duration_us, .call = std::move(call)});
  if (slowest.size() > kMost) slowest.pop_back();
}

nlohmann::json SlowestCalls::to_json(Time now) const {
  std::vector<const Kept*> sorted;
  for (const Second& second : seconds_) {
    if (now - second.begin >= kSpan) continue;
    for (const Kept& kept : second.slowest) sorted.push_back(&kept);
  }
  std::ranges::stable_sort(sorted, std::greater<>(), &Kept::duration_us);
  if (sorted.size() > kMost) sorted.resize(kMost);
  nlohmann::json made = nlohmann::json::array();
  for (const Kept* kept : sorted) made.push_back(kept->call);
  return made;
}

}  // namespace netbinder::tools
