// SPDX-License-Identifier: Apache-2.0
//
// The summary of all rounds: medians over the turns that count, and how far apart they are.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "bench/driver/turns.h"
#include "bench/point.h"

namespace netbinder::bench {

// One peer at one point. Each figure is the median over turns.
struct Summary {
  std::string peer;
  Point point;
  std::string error{};  // empty unless a turn failed and none succeeded

  std::size_t turns = 0;    // that there were
  std::size_t counted = 0;  // that the figures are of
  // Fewer than half of the turns were undisturbed, so all of them count.
  bool disturbed = false;

  double p50_us = 0;
  double p99_us = 0;
  double p999_us = 0;
  bool has_p999 = false;  // a turn had enough calls to say
  double calls_per_s = 0;
  double mb_per_s = 0;
  double cpu_us_per_call = 0;
  double least_p50_us = 0;
  double most_p50_us = 0;
  std::vector<std::pair<double, double>> quantiles{};  // medians, likewise

  // How far the turns' p50 are apart, in per cent of their median.
  [[nodiscard]] double spread_percent() const {
    return p50_us > 0 ? 100 * (most_p50_us - least_p50_us) / p50_us : 0;
  }
};

// In the order of points, and within one of peers; without those that had no turn.
std::vector<Summary> summarise(const std::vector<TurnResult>& turns,
                               const std::vector<PeerHere>& peers,
                               const std::vector<Point>& points);
// Nothing if there is none, or it failed.
const Summary* find(const std::vector<Summary>& summaries, const std::string& peer,
                    const Point& point);

}  // namespace netbinder::bench
