// SPDX-License-Identifier: Apache-2.0
#include "tools/calls/clocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <unordered_map>

namespace netbinder::tools {

namespace {

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();

// How far the clock of one host may be ahead of another's.
struct Bounds {
  std::int64_t least = -kNone;
  std::int64_t most = kNone;

  [[nodiscard]] bool has_least() const { return least != -kNone; }
  [[nodiscard]] bool has_most() const { return most != kNone; }
  [[nodiscard]] bool tells() const { return has_least() || has_most(); }
  [[nodiscard]] std::optional<std::uint64_t> error_ns() const {
    if (!has_least() || !has_most()) return std::nullopt;
    // Where they cross, the clocks have drifted apart meanwhile.
    const std::int64_t width = most - least;
    return static_cast<std::uint64_t>(width < 0 ? -width : width) / 2;
  }
  [[nodiscard]] std::int64_t middle() const {
    if (has_least() && has_most()) return least + (most - least) / 2;
    return has_least() ? least : most;
  }
};

using Calls = std::unordered_map<std::uint64_t, CallRecord>;

std::int64_t difference(std::uint64_t later, std::uint64_t earlier) {
  return static_cast<std::int64_t>(later - earlier);
}

// How far the clock of `there` is ahead of that of `here`.
Bounds bounds_of(const Calls& here, const Calls& there) {
  Bounds bounds;
  for (const auto& [span, from] : here) {
    if (from.arrived()) continue;
    const auto found = there.find(span);
    if (found == there.end() || !found->second.arrived()) continue;
    const CallRecord& to = found->second;
    if (from.has(CallPoint::kSent) && to.has(CallPoint::kArrived)) {
      bounds.most =
          std::min(bounds.most, difference(to.at(CallPoint::kArrived), from.at(CallPoint::kSent)));
    }
    const auto back = [&](CallPoint sent, CallPoint arrived) {
      if (!to.has(sent) || !from.has(arrived)) return;
      bounds.least = std::max(bounds.least, difference(to.at(sent), from.at(arrived)));
    };
    back(CallPoint::kReplied, CallPoint::kReplyArrived);
    back(CallPoint::kQueued, CallPoint::kAccepted);
  }
  return bounds;
}

Bounds both_ways(const Calls& here, const Calls& there) {
  const Bounds forth = bounds_of(here, there);
  const Bounds back = bounds_of(there, here);
  return {.least = std::max(forth.least, back.has_most() ? -back.most : -kNone),
          .most = std::min(forth.most, back.has_least() ? -back.least : kNone)};
}

struct Found {
  ClockOffset clock;
  bool known = false;
  bool done = false;
};

// A path through hosts is as good as the sum of its errors; one without is worse than any with.
std::uint64_t badness(const ClockOffset& clock) {
  return clock.error_ns.value_or(std::numeric_limits<std::uint64_t>::max() / 2);
}

}  // namespace

std::vector<ClockOffset> compare_clocks(const std::vector<HostRecording>& hosts) {
  std::vector<Calls> calls;
  for (const HostRecording& host : hosts) calls.push_back(host.calls());
  std::vector<Found> found(hosts.size());
  if (!found.empty()) found.front().known = true;
  // The host whose clock is known best is next, as in Dijkstra's algorithm.
  while (true) {
    std::size_t best = hosts.size();
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      if (!found[i].known || found[i].done) continue;
      if (best == hosts.size() || badness(found[i].clock) < badness(found[best].clock)) best = i;
    }
    if (best == hosts.size()) break;
    found[best].done = true;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      if (found[i].done) continue;
      ClockOffset through = found[best].clock;
      if (hosts[i].boot.empty() || hosts[i].boot != hosts[best].boot) {
        const Bounds bounds = both_ways(calls[best], calls[i]);
        if (!bounds.tells()) continue;
        through.offset_ns += bounds.middle();
        const auto error = bounds.error_ns();
        through.error_ns =
            through.error_ns && error ? std::optional(*through.error_ns + *error) : std::nullopt;
      }
      if (!found[i].known || badness(through) < badness(found[i].clock)) {
        found[i] = {.clock = through, .known = true};
      }
    }
  }
  std::vector<ClockOffset> clocks;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    if (!found[i].known) {  // both are taken to have begun at once
      found[i].clock.error_ns = std::nullopt;
      if (!hosts[i].entries.empty() && !hosts.front().entries.empty()) {
        found[i].clock.offset_ns =
            difference(hosts[i].entries.front().time_ns, hosts.front().entries.front().time_ns);
      }
    }
    clocks.push_back(found[i].clock);
  }
  return clocks;
}

std::vector<std::string> clock_lines(const std::vector<HostRecording>& hosts,
                                     const std::vector<ClockOffset>& clocks) {
  std::vector<std::string> lines;
  for (std::size_t i = 1; i < hosts.size(); ++i) {
    if (!clocks[i].error_ns) {
      lines.push_back(
          fmt::format("the clock of {} could not be compared with that of {}: there were no round "
                      "trips of calls",
                      hosts[i].name, hosts.front().name));
    } else if (hosts[i].boot == hosts.front().boot) {
      lines.push_back(fmt::format("{} has the clock of {}", hosts[i].name, hosts.front().name));
    } else {
      lines.push_back(fmt::format("the clock of {} is {:.1f} µs ahead of that of {}, ± {:.1f} µs",
                                  hosts[i].name, static_cast<double>(clocks[i].offset_ns) / 1000,
                                  hosts.front().name,
                                  static_cast<double>(*clocks[i].error_ns) / 1000));
    }
  }
  return lines;
}

}  // namespace netbinder::tools
