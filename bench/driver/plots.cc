// SPDX-License-Identifier: Apache-2.0
#include "bench/driver/plots.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "bench/driver/plan.h"

namespace netbinder::bench {

namespace {

// The tail is what matters: each further 9 has the same room.
constexpr double kMostPart = 0.9999;
double nines(double part) { return -std::log10(1 - std::min(part, kMostPart)); }

double size_place(std::size_t bytes) {
  return bytes == 0 ? std::log2(16.0) : std::log2(static_cast<double>(bytes));
}

std::string id_of(const char* what, Mode mode) {
  return std::string(what) + "-" + std::string(text(mode));
}

Series new_series(const Results& results, const PeerHere& peer) {
  return {.name = peer.name, .colour = colour_of(results, peer.name), .points = {}};
}

}  // namespace

std::size_t colour_of(const Results& results, const std::string& peer) {
  const auto& here = results.catalogue.here;
  const auto found = std::ranges::find(here, peer, &PeerHere::name);
  return static_cast<std::size_t>(found - here.begin());
}

Plot distribution_plot(const Results& results, Mode mode) {
  const Point point{.mode = mode, .bytes = usual_size(results.options)};
  Plot plot{.id = id_of("distribution", mode),
            .title = "Latency distribution, " + describe(point),
            .x_title = "part of the calls that took no longer",
            .y_title = "µs",
            .x_ticks = {},
            .series = {}};
  for (const double part : {0.0, 0.5, 0.9, 0.99, 0.999, 0.9999}) {
    plot.x_ticks.push_back({nines(part), fmt::format("{:g} %", 100 * part)});
  }
  for (const PeerHere& peer : results.catalogue.here) {
    const Summary* row = find(results.summaries, peer.name, point);
    if (row == nullptr || peer.kind != PeerKind::kCalls) continue;
    Series series = new_series(results, peer);
    for (const auto& [part, time_us] : row->quantiles) {
      if (part > kMostPart) continue;
      series.points.push_back({nines(part), time_us,
                               fmt::format("{}: {:g} % of the calls in {} µs", peer.name,
                                           100 * part, figure(time_us))});
    }
    plot.series.push_back(std::move(series));
  }
  return plot;
}

Plot sizes_plot(const Results& results, Mode mode) {
  Plot plot{.id = id_of("sizes", mode),
            .title = "Latency over size, 1 client (p50)",
            .x_title = "bytes of a request",
            .y_title = "µs",
            .x_ticks = {},
            .series = {}};
  for (const std::size_t bytes : results.options.sizes) {
    plot.x_ticks.push_back({size_place(bytes), size_text(bytes)});
  }
  for (const PeerHere& peer : results.catalogue.here) {
    if (peer.kind == PeerKind::kEcho) continue;
    Series series = new_series(results, peer);
    for (const std::size_t bytes : results.options.sizes) {
      const Summary* row = find(results.summaries, peer.name, {.mode = mode, .bytes = bytes});
      if (row == nullptr) continue;
      series.points.push_back(
          {size_place(bytes), row->p50_us,
           fmt::format("{}: {} in {} µs ({} to {} in {} turns)", peer.name, size_text(bytes),
                       figure(row->p50_us), figure(row->least_p50_us), figure(row->most_p50_us),
                       row->counted)});
    }
    if (!series.points.empty()) plot.series.push_back(std::move(series));
  }
  return plot;
}

Plot clients_plot(const Results& results, Mode mode) {
  const std::size_t bytes = usual_size(results.options);
  Plot plot{.id = id_of("clients", mode),
            .title = "Throughput over clients, " + size_text(bytes),
            .x_title = "clients that call at the same time",
            .y_title = "calls/s",
            .x_ticks = {},
            .series = {}};
  for (const std::uint32_t clients : results.options.clients) {
    plot.x_ticks.push_back({std::log2(clients), std::to_string(clients)});
  }
  for (const PeerHere& peer : results.catalogue.here) {
    if (peer.kind != PeerKind::kCalls) continue;
    Series series = new_series(results, peer);
    for (const std::uint32_t clients : results.options.clients) {
      const Summary* row =
          find(results.summaries, peer.name, {.mode = mode, .bytes = bytes, .clients = clients});
      if (row == nullptr) continue;
      series.points.push_back(
          {std::log2(clients), row->calls_per_s,
           fmt::format("{}: {} clients, {} calls/s, {} µs of processor time each", peer.name,
                       clients, count_text(row->calls_per_s), figure(row->cpu_us_per_call))});
    }
    // One number of clients is a row of the table, and no line.
    if (series.points.size() > 1) plot.series.push_back(std::move(series));
  }
  return plot;
}

}  // namespace netbinder::bench
