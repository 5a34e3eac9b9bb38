// SPDX-License-Identifier: Apache-2.0
//
// How long calls have taken lately, of the histograms on a page of metrics. Plain values, no I/O.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace netbinder::tools {

struct LatencyKey {
  std::string context, interface;
  std::string of;  // "local", "to_peer" or "handling"
  friend auto operator<=>(const LatencyKey&, const LatencyKey&) = default;
};

// Counts of calls, each of those that took no longer than its bound; the last bound is infinite.
struct LatencyCounts {
  std::vector<double> bounds_s;
  std::vector<std::uint64_t> counts;
  [[nodiscard]] std::uint64_t all() const { return counts.empty() ? 0 : counts.back(); }
};
using Latencies = std::map<LatencyKey, LatencyCounts>;

// Nothing: the agent does not time calls.
[[nodiscard]] std::optional<Latencies> read_latencies(std::string_view page);

// The time that a part (0 … 1) of those calls took no longer than: between two bounds, as
// Prometheus has it; at most the last finite one. Nothing: there are no calls.
[[nodiscard]] std::optional<double> quantile_s(const LatencyCounts& counts, double part);

// The calls that ended within kSpan.
class LatencyWindow {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kSpan{60};

  void add(Time now, Latencies looked);
  // Lists each that has had calls, with their number, p50 and p99; the most calls first.
  [[nodiscard]] nlohmann::json to_json() const;

 private:
  struct Look {
    Time time;
    Latencies latencies;
  };
  std::deque<Look>
      looks_;  // the latest is the last; the first is not older than kSpan, if there are others
};

}  // namespace netbinder::tools
