// SPDX-License-Identifier: Apache-2.0
#include "bench/driver/table.h"

#include <fmt/core.h>

namespace netbinder::bench {

namespace {

std::string machine_text(const Results& results) {
  const Machine& machine = results.machine;
  std::string text = fmt::format("{} UTC; {}; {} x {}; virtual: {}", machine.date, machine.kernel,
                                 machine.processors, machine.processor, machine.virtualised);
  if (!machine.governor.empty()) text += "; governor " + machine.governor;
  text += fmt::format(
      "\n{} rounds of {} s turns took {:.0f} s; load {:.2f} before, {:.2f} after; {} of {} turns "
      "disturbed\n",
      results.options.rounds, results.options.seconds, results.took_s, machine.load,
      results.load_after, count_disturbed(results), results.turns.size());
  return text + rule_text() + "\n";
}

std::string row_of(const Results& results, const Summary& row) {
  const std::string name = (row.disturbed ? "~ " : "  ") + row.peer;
  if (!row.error.empty()) return fmt::format("{:<18} failed: {}\n", name, row.error);
  const Summary* own = own_for(results, row.peer, row.point);
  return fmt::format("{:<18} {:>9} {:>9} {:>9} {:>11} {:>9} {:>9} {:>7.0f}% {:>5}/{:<3} {:>9}\n",
                     name, figure(row.p50_us), figure(row.p99_us),
                     row.has_p999 ? figure(row.p999_us) : "-", count_text(row.calls_per_s),
                     row.point.bytes == 0 ? "-" : figure(row.mb_per_s), figure(row.cpu_us_per_call),
                     row.spread_percent(), row.counted, row.turns,
                     own == nullptr || own == &row ? "" : figure(own->p50_us / row.p50_us));
}

}  // namespace

std::string table_of(const Results& results) {
  std::string text = machine_text(results);
  const Summary* last = nullptr;
  for (const Summary& row : results.summaries) {
    if (last == nullptr || last->point != row.point) {
      text += fmt::format("\n{}: {}\n", title_of(row.point.mode), describe(row.point));
      text += fmt::format("{:<18} {:>9} {:>9} {:>9} {:>11} {:>9} {:>9} {:>8} {:>9} {:>9}\n", "",
                          "p50 us", "p99 us", "p99.9 us", "calls/s", "MB/s", "cpu us", "spread",
                          "turns", "netbinder");
    }
    text += row_of(results, row);
    last = &row;
  }
  text +=
      "\ncpu us: processor time per call of all processes. spread: of the turns' p50. turns: that "
      "count, of all.\n"
      "netbinder: netbinder's p50 divided by this one's; of an echo, aidl-echo's.\n";
  for (const ModeAbsent& absent : results.absent_modes) {
    text += fmt::format("not measured: {}: {}\n", title_of(absent.mode), absent.why);
  }
  for (const PeerAbsent& absent : results.catalogue.absent) {
    text += fmt::format("absent: {}: {}\n", absent.name, absent.why);
  }
  return text;
}

}  // namespace netbinder::bench
