// SPDX-License-Identifier: Apache-2.0
#include "bench/driver/results.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace netbinder::bench {

std::string rule_text() {
  return fmt::format(
      "A turn is disturbed if others used more than {:.0f} % of one processor's time while it was "
      "measured, or "
      "the hypervisor took more than {:.0f} % of all. It is taken once more, and does not count if "
      "it is disturbed "
      "again; unless fewer than half of the turns are undisturbed: then all count, and the row is "
      "marked with ~.",
      TurnResult::kMostOthersPercent, TurnResult::kMostStolenPercent);
}

std::size_t count_disturbed(const Results& results) {
  return static_cast<std::size_t>(std::ranges::count_if(results.turns, &TurnResult::disturbed));
}

const Summary* own_for(const Results& results, const std::string& peer, const Point& point) {
  const auto& here = results.catalogue.here;
  const auto found = std::ranges::find(here, peer, &PeerHere::name);
  const bool echoes = found != here.end() && found->kind == PeerKind::kEcho;
  return find(results.summaries, echoes ? "aidl-echo" : "netbinder", point);
}

std::string title_of(Mode mode) {
  switch (mode) {
    case Mode::kLocal:
      return "One host";
    case Mode::kTcp:
      return "Two hosts, TCP over the loopback device";
    case Mode::kVeth:
      return "Two hosts, TCP over a veth pair between network namespaces";
    case Mode::kTls:
      return "Two hosts, TLS over the loopback device";
  }
  return {};
}

std::string count_text(double value) {
  const std::string digits = fmt::format("{:.0f}", value);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string figure(double value) {
  if (value >= 1000) return count_text(value);
  if (value >= 100) return fmt::format("{:.0f}", value);
  if (value >= 10) return fmt::format("{:.1f}", value);
  return fmt::format("{:.2f}", value);
}

}  // namespace netbinder::bench
