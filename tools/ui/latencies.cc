// SPDX-License-Identifier: Apache-2.0
#include "tools/ui/latencies.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

namespace netbinder::tools {

namespace {

constexpr std::string_view kCalls = "netbinder_call_seconds_bucket{";
constexpr std::string_view kHandling = "netbinder_call_handling_seconds_bucket{";

// One label, `name="value"`, which is taken from the front, with the comma behind it. Nothing:
// there is none.
std::optional<std::pair<std::string_view, std::string>> take_label(std::string_view& text) {
  const std::size_t equals = text.find("=\"");
  if (equals == std::string_view::npos) return std::nullopt;
  const std::string_view name = text.substr(0, equals);
  std::string value;
  for (std::size_t i = equals + 2; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      if (text.starts_with(',')) text.remove_prefix(1);
      return std::pair(name, value);
    }
    if (text[i] == '\\' && i + 1 < text.size()) {
      ++i;
      value += text[i] == 'n' ? '\n' : text[i];
    } else {
      value += text[i];
    }
  }
  return std::nullopt;
}

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// A line behind the name of its metric.
void read_bucket(std::string_view line, std::string of, Latencies& into) {
  LatencyKey key;
  std::optional<double> bound;
  while (!line.starts_with('}')) {
    const auto label = take_label(line);
    if (!label) return;
    if (label->first == "context") key.context = label->second;
    if (label->first == "interface") key.interface = label->second;
    if (label->first == "way") of = label->second;
    if (label->first != "le") continue;
    bound = label->second == "+Inf" ? std::numeric_limits<double>::infinity()
                                    : number<double>(label->second);
  }
  line.remove_prefix(1);
  const auto count = line.starts_with(' ') ? number<std::uint64_t>(line.substr(1)) : std::nullopt;
  if (!bound || !count) return;
  key.of = std::move(of);
  LatencyCounts& counts = into[std::move(key)];
  counts.bounds_s.push_back(*bound);
  counts.counts.push_back(*count);
}

// Counts that are lower than before have begun anew.
LatencyCounts since(const LatencyCounts* before, const LatencyCounts& now) {
  if (before == nullptr || before->bounds_s != now.bounds_s || before->all() > now.all())
    return now;
  LatencyCounts left = now;
  for (std::size_t i = 0; i < left.counts.size(); ++i) {
    left.counts[i] -= std::min(before->counts[i], left.counts[i]);
  }
  return left;
}

}  // namespace

std::optional<Latencies> read_latencies(std::string_view page) {
  Latencies latencies;
  bool timed = false;
  while (!page.empty()) {
    const std::size_t end = std::min(page.find('\n'), page.size());
    const std::string_view line = page.substr(0, end);
    page.remove_prefix(std::min(end + 1, page.size()));
    if (line.starts_with(kCalls)) {
      read_bucket(line.substr(kCalls.size()), "", latencies);
    } else if (line.starts_with(kHandling)) {
      read_bucket(line.substr(kHandling.size()), "handling", latencies);
    } else if (line.starts_with("# TYPE netbinder_call_seconds ")) {
      timed = true;
    }
  }
  if (!timed) return std::nullopt;
  return latencies;
}

std::optional<double> quantile_s(const LatencyCounts& counts, double part) {
  if (counts.all() == 0) return std::nullopt;
  const double wanted = part * static_cast<double>(counts.all());
  std::size_t place = 0;
  while (place + 1 < counts.counts.size() && static_cast<double>(counts.counts[place]) < wanted) {
    ++place;
  }
  const double upper = counts.bounds_s[place];
  const double lower = place == 0 ? 0 : counts.bounds_s[place - 1];
  if (std::isinf(upper)) return lower;
  const std::uint64_t below = place == 0 ? 0 : counts.counts[place - 1];
  const std::uint64_t within = counts.counts[place] - std::min(below, counts.counts[place]);
  if (within == 0) return upper;
  return lower +
         (upper - lower) * (wanted - static_cast<double>(below)) / static_cast<double>(within);
}

void LatencyWindow::add(Time now, Latencies looked) {
  looks_.push_back({.time = now, .latencies = std::move(looked)});
  while (looks_.size() > 2 && now - looks_[1].time >= kSpan) looks_.pop_front();
}

nlohmann::json LatencyWindow::to_json() const {
  nlohmann::json rows = nlohmann::json::array();
  if (looks_.empty()) return rows;
  const Latencies& before = looks_.front().latencies;
  const bool first = looks_.size() == 1;
  std::vector<std::pair<std::uint64_t, nlohmann::json>> sorted;
  for (const auto& [key, now] : looks_.back().latencies) {
    const auto then = before.find(key);
    const LatencyCounts lately = first || then == before.end() ? now : since(&then->second, now);
    if (lately.all() == 0) continue;
    sorted.emplace_back(lately.all(), nlohmann::json{{"context", key.context},
                                                     {"interface", key.interface},
                                                     {"of", key.of},
                                                     {"calls", lately.all()},
                                                     {"p50_s", *quantile_s(lately, 0.5)},
                                                     {"p99_s", *quantile_s(lately, 0.99)}});
  }
  std::ranges::stable_sort(sorted, [](const auto& a, const auto& b) { return a.first > b.first; });
  for (auto& [calls, row] : sorted) rows.push_back(std::move(row));
  return rows;
}

}  // namespace netbinder::tools
