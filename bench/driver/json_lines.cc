// SPDX-License-Identifier: Apache-2.0
#include "bench/driver/json_lines.h"

#include <cmath>
#include <nlohmann/json.hpp>

namespace netbinder::bench {

namespace {

using Json = nlohmann::ordered_json;

double rounded(double value) {
  return std::abs(value) >= 1000 ? std::round(value) : std::round(value * 1000) / 1000;
}

Json line_of(const char* kind, const std::string& peer, const Point& point) {
  return {{"kind", kind},
          {"peer", peer},
          {"mode", text(point.mode)},
          {"bytes", point.bytes},
          {"clients", point.clients},
          {"interval_us", point.interval_us},
          {"pinning", text(point.pinning)},
          {"work", text(point.work)},
          {"load", text(point.load)}};
}

template <typename Figures>
void add_figures(Json& line, const Figures& figures) {
  line["p50_us"] = rounded(figures.p50_us);
  line["p99_us"] = rounded(figures.p99_us);
  line["p999_us"] = rounded(figures.p999_us);
  line["calls_per_s"] = rounded(figures.calls_per_s);
  line["mb_per_s"] = rounded(figures.mb_per_s);
  line["cpu_us_per_call"] = rounded(figures.cpu_us_per_call);
}

Json machine_line(const Results& results) {
  const Machine& machine = results.machine;
  return {{"kind", "machine"},
          {"date", machine.date},
          {"kernel", machine.kernel},
          {"processor", machine.processor},
          {"processors", machine.processors},
          {"governor", machine.governor},
          {"virtual", machine.virtualised},
          {"load_before", rounded(machine.load)},
          {"load_after", rounded(results.load_after)},
          {"rounds", results.options.rounds},
          {"turn_s", results.options.seconds},
          {"took_s", rounded(results.took_s)},
          {"turns", results.turns.size()},
          {"disturbed_turns", count_disturbed(results)},
          {"rule", rule_text()}};
}

Json turn_line(const TurnResult& turn) {
  Json line = line_of("turn", turn.peer, turn.point);
  line["round"] = turn.round;
  if (!turn.error.empty()) {
    line["error"] = turn.error;
    return line;
  }
  line["calls"] = turn.calls;
  add_figures(line, turn);
  line["others_percent"] = turn.others_percent;
  line["stolen_percent"] = turn.stolen_percent;
  line["disturbed"] = turn.disturbed();
  return line;
}

Json summary_line(const Summary& summary) {
  Json line = line_of("summary", summary.peer, summary.point);
  if (!summary.error.empty()) {
    line["error"] = summary.error;
    return line;
  }
  line["turns"] = summary.turns;
  line["counted"] = summary.counted;
  line["disturbed"] = summary.disturbed;
  add_figures(line, summary);
  if (!summary.has_p999) line["p999_us"] = nullptr;
  line["least_p50_us"] = rounded(summary.least_p50_us);
  line["most_p50_us"] = rounded(summary.most_p50_us);
  for (const auto& [part, time_us] : summary.quantiles) {
    line["quantiles_us"].push_back({part, rounded(time_us)});
  }
  return line;
}

}  // namespace

std::string json_lines_of(const Results& results) {
  std::string lines;
  const auto add = [&](const Json& line) { lines += line.dump() + "\n"; };
  add(machine_line(results));
  for (const PeerHere& peer : results.catalogue.here) {
    add({{"kind", "peer"}, {"peer", peer.name}, {"what", peer.what}});
  }
  for (const PeerAbsent& absent : results.catalogue.absent) {
    add({{"kind", "absent"}, {"peer", absent.name}, {"why", absent.why}});
  }
  for (const ModeAbsent& absent : results.absent_modes) {
    add({{"kind", "absent"}, {"mode", text(absent.mode)}, {"why", absent.why}});
  }
  for (const TurnResult& turn : results.turns) add(turn_line(turn));
  for (const Summary& summary : results.summaries) add(summary_line(summary));
  return lines;
}

}  // namespace netbinder::bench
