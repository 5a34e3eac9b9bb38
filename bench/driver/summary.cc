// SPDX-License-Identifier: Apache-2.0
#include "bench/driver/summary.h"

#include <algorithm>

namespace netbinder::bench {

namespace {

constexpr double kCallsForP999 = 1000;

using Turns = std::vector<const TurnResult*>;

template <typename Value>
double median(const Turns& turns, const Value& value) {
  std::vector<double> values;
  for (const TurnResult* turn : turns) values.push_back(value(*turn));
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Turns undisturbed_of(const Turns& turns) {
  Turns kept;
  for (const TurnResult* turn : turns) {
    if (!turn->disturbed()) kept.push_back(turn);
  }
  return kept;
}

Summary summary_of(const std::string& peer, const Point& point, const Turns& all) {
  Summary summary{.peer = peer, .point = point, .turns = all.size()};
  Turns counted = undisturbed_of(all);
  if (2 * counted.size() < all.size()) {
    summary.disturbed = true;
    counted = all;
  }
  summary.counted = counted.size();
  summary.p50_us = median(counted, [](const auto& turn) { return turn.p50_us; });
  summary.p99_us = median(counted, [](const auto& turn) { return turn.p99_us; });
  summary.p999_us = median(counted, [](const auto& turn) { return turn.p999_us; });
  summary.has_p999 = median(counted, [](const auto& turn) { return turn.calls; }) >= kCallsForP999;
  summary.calls_per_s = median(counted, [](const auto& turn) { return turn.calls_per_s; });
  summary.mb_per_s = median(counted, [](const auto& turn) { return turn.mb_per_s; });
  summary.cpu_us_per_call = median(counted, [](const auto& turn) { return turn.cpu_us_per_call; });
  const auto [least, most] =
      std::ranges::minmax_element(counted, {}, [](const TurnResult* turn) { return turn->p50_us; });
  summary.least_p50_us = (*least)->p50_us;
  summary.most_p50_us = (*most)->p50_us;
  for (std::size_t i = 0; i < counted.front()->quantiles.size(); ++i) {
    summary.quantiles.emplace_back(
        counted.front()->quantiles[i].first,
        median(counted, [i](const auto& turn) { return turn.quantiles[i].second; }));
  }
  return summary;
}

}  // namespace

std::vector<Summary> summarise(const std::vector<TurnResult>& turns,
                               const std::vector<PeerHere>& peers,
                               const std::vector<Point>& points) {
  std::vector<Summary> summaries;
  for (const Point& point : points) {
    for (const PeerHere& peer : peers) {
      Turns good;
      std::string error;
      for (const TurnResult& turn : turns) {
        if (turn.peer != peer.name || turn.point != point) continue;
        if (turn.error.empty()) {
          good.push_back(&turn);
        } else {
          error = turn.error;
        }
      }
      if (!good.empty()) {
        summaries.push_back(summary_of(peer.name, point, good));
      } else if (!error.empty()) {
        summaries.push_back({.peer = peer.name, .point = point, .error = error});
      }
    }
  }
  return summaries;
}

const Summary* find(const std::vector<Summary>& summaries, const std::string& peer,
                    const Point& point) {
  const auto found = std::ranges::find_if(summaries, [&](const Summary& each) {
    return each.peer == peer && each.point == point && each.error.empty();
  });
  return found == summaries.end() ? nullptr : &*found;
}

}  // namespace netbinder::bench
