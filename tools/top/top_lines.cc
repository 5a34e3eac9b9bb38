// SPDX-License-Identifier: Apache-2.0
//
// The page of `netbinder top` as text.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <utility>

#include "tools/text_table.h"
#include "tools/top/top_sample.h"

namespace netbinder::tools {

namespace {

// Three or four digits and what they are multiplied with.
std::string short_number(double value) {
  constexpr std::array<const char*, 5> kUnits = {"", "k", "M", "G", "T"};
  std::size_t unit = 0;
  while (value >= 9999.5 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  const bool fraction = unit > 0 ? value < 99.95 : value > 0 && value < 9.95;
  return fmt::format("{:.{}f}{}", value, fraction ? 1 : 0, kUnits[unit]);
}

std::string share(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "-";
  return fmt::format("{} %", (part * 100 + whole - 1) / whole);
}

// The first columns are words, the others numbers.
TextTable table_of(std::size_t words, std::vector<std::string> head) {
  std::vector<TextTable::Align> columns(head.size(), TextTable::Align::kRight);
  std::fill_n(columns.begin(), words, TextTable::Align::kLeft);
  return {std::move(columns), std::move(head)};
}

std::vector<std::string> head_of(const TopPage& page) {
  const TopLook& now = page.now;
  return {
      fmt::format("netbinder top: host {} of cluster {}, version {}, {} of {} hosts connected",
                  now.host, now.cluster, now.version, now.hosts_connected, now.hosts_configured),
      fmt::format("calls/s: {} here, {} to other hosts, {} from them, {} failed; {} under way",
                  short_number(page.calls_local), short_number(page.calls_to_peers),
                  short_number(page.calls_from_peers), short_number(page.failed_calls),
                  now.transactions),
      fmt::format("bytes/s: {} of payloads; ioctls/s: {}; processes: {}",
                  short_number(page.payload_bytes), short_number(page.requests),
                  page.processes.size())};
}

std::vector<std::string> contexts_of(const TopPage& page) {
  TextTable table = table_of(2, {"CONTEXT", "MANAGER", "PROCESSES", "THREADS", "WAITING", "QUEUED",
                                 "CALLS/S", "HANDLED/S", "ARENA"});
  for (const TopPage::Context& context : page.contexts) {
    table.add({context.now.name, context.now.manager, fmt::format("{}", context.processes),
               fmt::format("{}", context.threads), fmt::format("{}", context.waiting_threads),
               fmt::format("{}", context.outstanding), short_number(context.calls_made),
               short_number(context.calls_handled),
               share(context.arena_used_bytes, context.arena_bytes)});
  }
  return table.lines();
}

std::vector<std::string> links_of(const TopPage& page) {
  TextTable table = table_of(3, {"LINK", "TRANSPORT", "STATE", "ROUND TRIP", "SENT/S", "RECEIVED/S",
                                 "WAITING", "RESUMED"});
  for (const TopPage::Link& link : page.links) {
    table.add({link.now.host, link.now.transport, link.now.state,
               link.now.round_trip_us == 0 ? "-" : fmt::format("{} us", link.now.round_trip_us),
               short_number(link.bytes_sent), short_number(link.bytes_received),
               short_number(static_cast<double>(link.now.unacknowledged_bytes)),
               fmt::format("{}", link.now.reconnects)});
  }
  return table.lines();
}

std::vector<std::string> processes_of(const TopPage& page, std::size_t most) {
  TextTable table = table_of(2, {"PROGRAM", "CONTEXT", "PID", "UID", "THREADS", "WAITING", "QUEUED",
                                 "CALLS/S", "HANDLED/S", "ARENA"});
  for (std::size_t i = 0; i < std::min(most, page.processes.size()); ++i) {
    const TopPage::Process& process = page.processes[i];
    table.add({process.now.program.empty() ? "-" : process.now.program, process.now.context,
               fmt::format("{}", process.now.pid), fmt::format("{}", process.now.uid),
               fmt::format("{}", process.now.threads),
               fmt::format("{}", process.now.waiting_threads),
               fmt::format("{}", process.now.outstanding), short_number(process.calls_made),
               short_number(process.calls_handled),
               share(process.now.arena_used_bytes, process.now.arena_bytes)});
  }
  return table.lines();
}

}  // namespace

std::vector<std::string> to_lines(const TopPage& page, const PageSize& size) {
  std::vector<std::string> lines = head_of(page);
  const auto add = [&lines](const std::vector<std::string>& part) {
    lines.emplace_back();
    lines.insert(lines.end(), part.begin(), part.end());
  };
  add(contexts_of(page));
  if (!page.links.empty()) add(links_of(page));
  add(processes_of(page, size.rows == 0 ? page.processes.size() : size.rows));
  if (size.rows > 0 && lines.size() > size.rows) lines.resize(size.rows);
  for (std::string& line : lines) {
    // Only names of contexts can hold UTF-8, which this may cut in two.
    if (size.columns > 0 && line.size() > size.columns) line.resize(size.columns);
  }
  return lines;
}

}  // namespace netbinder::tools
