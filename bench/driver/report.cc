// SPDX-License-Identifier: Apache-2.0
#include "bench/driver/report.h"

#include <fmt/core.h>

#include <algorithm>

#include "bench/driver/plots.h"
#include "bench/driver/report_style.h"

namespace netbinder::bench {

namespace {

std::string row_of(std::initializer_list<std::string> cells, const char* tag = "td",
                   const std::string& class_name = "") {
  std::string row = class_name.empty() ? "<tr>" : "<tr class=\"" + class_name + "\">";
  for (const std::string& cell : cells)
    row += fmt::format("<{0}>{1}</{0}>", tag, html_escaped(cell));
  return row + "</tr>\n";
}

std::string machine_section(const Results& results) {
  const Machine& machine = results.machine;
  std::string html = "<h2>The machine and the run</h2>\n<table class=\"facts\">\n";
  html += row_of({"when", machine.date + " UTC"});
  html += row_of({"processors", fmt::format("{} × {}", machine.processors, machine.processor)});
  html += row_of({"kernel", machine.kernel});
  html += row_of({"virtual machine", machine.virtualised});
  if (!machine.governor.empty()) html += row_of({"frequency governor", machine.governor});
  html += row_of({"load, one minute",
                  fmt::format("{:.2f} before, {:.2f} after", machine.load, results.load_after)});
  html +=
      row_of({"rounds", fmt::format("{}, turns of {} s, {:.0f} s in all", results.options.rounds,
                                    results.options.seconds, results.took_s)});
  html += row_of(
      {"disturbed turns", fmt::format("{} of {}", count_disturbed(results), results.turns.size())});
  return html + "</table>\n<p>" + html_escaped(rule_text()) + "</p>\n";
}

std::string peers_section(const Results& results) {
  std::string html =
      "<h2>What is compared</h2>\n"
      "<p>One call is so many bytes there, where the server's process can read them, and an empty "
      "answer "
      "back. Clients, server, agents and brokers are processes of their own. Rounds are outermost: "
      "in each "
      "of them every point is measured for all peers one after another, each time beginning with "
      "another. "
      "Figures are medians over the rounds.</p>\n<table class=\"facts\">\n";
  for (const PeerHere& peer : results.catalogue.here) html += row_of({peer.name, peer.what});
  for (const PeerAbsent& absent : results.catalogue.absent) {
    html += row_of({absent.name, "absent: " + absent.why}, "td", "absent");
  }
  for (const ModeAbsent& absent : results.absent_modes) {
    html += row_of({title_of(absent.mode), "not measured: " + absent.why}, "td", "absent");
  }
  return html + "</table>\n";
}

std::string table_of_point(const Results& results, const Point& point) {
  std::string rows;
  for (const Summary& row : results.summaries) {
    if (row.point != point) continue;
    const Summary* own = own_for(results, row.peer, point);
    const std::string name = (row.disturbed ? "~ " : "") + row.peer;
    if (!row.error.empty()) {
      rows += row_of({name, "failed: " + row.error}, "td", "absent");
      continue;
    }
    rows += row_of({name, figure(row.p50_us), figure(row.p99_us),
                    row.has_p999 ? figure(row.p999_us) : "–", count_text(row.calls_per_s),
                    point.bytes == 0 ? "–" : figure(row.mb_per_s), figure(row.cpu_us_per_call),
                    fmt::format("{} – {}", figure(row.least_p50_us), figure(row.most_p50_us)),
                    fmt::format("{}/{}", row.counted, row.turns),
                    own == nullptr || own == &row ? "" : figure(own->p50_us / row.p50_us)},
                   "td", &row == own ? "own" : "");
  }
  if (rows.empty()) return {};
  return fmt::format("<h3>{}</h3>\n<div class=\"wide\"><table>\n", html_escaped(describe(point))) +
         row_of({"", "p50 µs", "p99 µs", "p99.9 µs", "calls/s", "MB/s", "CPU µs", "p50 of turns",
                 "turns", "ratio"},
                "th") +
         rows + "</table></div>\n";
}

std::string mode_section(const Results& results, Mode mode) {
  std::string html =
      fmt::format("<h2 id=\"{}\">{}</h2>\n<div class=\"plots\">\n", text(mode), title_of(mode));
  std::vector<Plot> plots = {distribution_plot(results, mode), sizes_plot(results, mode)};
  if (results.options.clients.size() > 1) plots.push_back(clients_plot(results, mode));
  for (const Plot& plot : plots) {
    if (!plot.series.empty()) html += svg_of(plot);
  }
  html += "</div>\n<details open><summary>All figures</summary>\n";
  for (const Point& point : results.points) {
    if (point.mode == mode) html += table_of_point(results, point);
  }
  return html + "</details>\n";
}

std::string short_cell(const Results& results, const std::string& peer, const Point& point) {
  const Summary* row = find(results.summaries, peer, point);
  const Summary* own = own_for(results, peer, point);
  if (row == nullptr) return "<td>–</td>";
  if (own == nullptr || own == row) return fmt::format("<td>{}</td>", figure(row->p50_us));
  return fmt::format("<td>{} <small>({})</small></td>", figure(row->p50_us),
                     figure(own->p50_us / row->p50_us));
}

enum class Compared { kCalls, kEchoes };

bool belongs(const PeerHere& peer, Compared compared) {
  return (peer.kind == PeerKind::kEcho) == (compared == Compared::kEchoes);
}

// netbinder beside each peer where it matters most.
std::string short_table(const Results& results, Mode mode, Compared compared) {
  std::string html = fmt::format("<div class=\"wide\"><table>\n<tr><th>{}</th>", title_of(mode));
  for (const std::size_t bytes : results.options.sizes) {
    html += fmt::format("<th>{}</th>", size_text(bytes));
  }
  html += "</tr>\n";
  for (const PeerHere& peer : results.catalogue.here) {
    if (!peer.has(mode) || !belongs(peer, compared)) continue;
    const bool own = peer.name == "netbinder" || peer.name == "aidl-echo";
    html += fmt::format("<tr class=\"{}\"><td><span class=\"dot s{}\"></span> {}</td>",
                        own ? "own" : "", colour_of(results, peer.name), html_escaped(peer.name));
    for (const std::size_t bytes : results.options.sizes) {
      html += short_cell(results, peer.name, {.mode = mode, .bytes = bytes});
    }
    html += "</tr>\n";
  }
  return html + "</table></div>\n";
}

// Code that a compiler of interfaces has made, beside other such code.
std::string echo_section(const Results& results) {
  const auto& here = results.catalogue.here;
  if (std::ranges::none_of(here,
                           [](const PeerHere& peer) { return peer.kind == PeerKind::kEcho; })) {
    return {};
  }
  std::string html =
      "<h2>Generated stubs</h2>\n<p>An echo, as a user's program makes it with code that a "
      "compiler of "
      "interfaces has generated: a string up to 4 KiB, and bytes above, there and back. p50 in µs; "
      "in "
      "brackets aidl-echo's divided by it.</p>\n<div class=\"shorts\">\n";
  for (const Mode mode : results.modes) html += short_table(results, mode, Compared::kEchoes);
  return html + "</div>\n";
}

std::string short_section(const Results& results) {
  std::string html =
      "<h2>In short</h2>\n<p>p50 in µs of one client, one call after another; in brackets "
      "netbinder's divided by it: below 1 netbinder takes less time.</p>\n";
  if (2 * count_disturbed(results) > results.turns.size()) {
    html +=
        "<p class=\"warning\">Most turns were disturbed by other work on the machine. Times and "
        "above all their tails are longer than on a quiet one, and ratios less certain.</p>\n";
  }
  html += "<div class=\"shorts\">\n";
  for (const Mode mode : results.modes) html += short_table(results, mode, Compared::kCalls);
  return html + "</div>\n" + echo_section(results);
}

}  // namespace

std::string report_of(const Results& results) {
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>netbinder beside its peers</title>\n<style>{}</style>\n</head>\n<body>\n"
      "<h1>netbinder beside its peers</h1>\n"
      "<p>Calls between processes, on one host and between hosts. Times of different machines "
      "cannot be compared; "
      "ratios of one run can.</p>\n",
      kReportStyle);
  html += short_section(results);
  for (const Mode mode : results.modes) html += mode_section(results, mode);
  html += peers_section(results);
  html += machine_section(results);
  html +=
      "<p>CPU: processor time per call of all processes. p50 of turns: the least and the most. "
      "turns: those that count, of "
      "all. ratio: netbinder's p50 divided by this one's; of an echo, aidl-echo's. Made by "
      "<code>netbinder bench "
      "--peers</code>.</p>\n";
  return html + "</body>\n</html>\n";
}

}  // namespace netbinder::bench
