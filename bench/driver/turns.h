// SPDX-License-Identifier: Apache-2.0
//
// Turns: one peer, one point, measured once. Rounds are outermost, so that what drifts on the
// machine meets all peers alike, and each round begins with another peer.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "bench/driver/catalogue.h"
#include "bench/point.h"

namespace netbinder::bench {

class Namespaces;

struct TurnResult {
  std::string peer;
  Point point;
  std::size_t round = 0;
  std::string error{};  // empty unless it failed; then nothing of the rest holds

  double calls = 0;
  double p50_us = 0;
  double p99_us = 0;
  double p999_us = 0;
  double calls_per_s = 0;
  double mb_per_s = 0;
  double cpu_us_per_call = 0;  // of all processes: clients, server, agents, brokers
  std::vector<std::pair<double, double>> quantiles{};  // part of the calls, microseconds

  double others_percent = 0;  // of one processor: what others used in the meantime
  double stolen_percent = 0;  // of all processors: what the hypervisor gave to others

  // THE RULE: beyond these a turn does not count.
  static constexpr double kMostOthersPercent = 10;
  static constexpr double kMostStolenPercent = 2;
  [[nodiscard]] bool disturbed() const {
    return others_percent > kMostOthersPercent || stolen_percent > kMostStolenPercent;
  }
};

struct TurnsSetup {
  std::vector<Point> points;
  std::vector<PeerHere> peers;
  std::size_t rounds = 1;
  double seconds = 0.15;
  const Namespaces* namespaces = nullptr;  // where points are between namespaces
};

// How many turns that will be.
std::size_t count_turns(const TurnsSetup& setup);
// `told` is called after each turn. A disturbed turn is taken once more, and the better one of both
// stays. A turn that failed is told as well, and a peer that failed at a point is spared it from
// then on.
void take_turns(const TurnsSetup& setup, const std::function<void(const TurnResult&)>& told);

}  // namespace netbinder::bench
