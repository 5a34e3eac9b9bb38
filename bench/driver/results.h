// SPDX-License-Identifier: Apache-2.0
//
// All that a run of the bench has to show; what the table, the JSON lines and the report are made
// of.
#pragma once

#include <string>
#include <vector>

#include "bench/driver/catalogue.h"
#include "bench/driver/machine.h"
#include "bench/driver/options.h"
#include "bench/driver/summary.h"
#include "bench/driver/turns.h"

namespace netbinder::bench {

struct ModeAbsent {
  Mode mode;
  std::string why;
};

struct Results {
  Options options;
  Machine machine;
  double load_after = 0;
  double took_s = 0;
  Catalogue catalogue;
  std::vector<ModeAbsent> absent_modes;
  std::vector<Mode> modes;
  std::vector<Point> points;
  std::vector<TurnResult> turns;
  std::vector<Summary> summaries;
};

// The rule by which turns are thrown out, in a sentence.
std::string rule_text();
// How many turns of all were disturbed.
std::size_t count_disturbed(const Results& results);
// netbinder's own row that a row is to be compared with: calls with calls, and echoes with echoes.
// Nothing if it was not measured.
const Summary* own_for(const Results& results, const std::string& peer, const Point& point);
// "local", "two hosts over the loopback device", …
std::string title_of(Mode mode);
// 4.27, 105, 1,230: as many digits as can mean something.
std::string figure(double value);
// 202,000
std::string count_text(double value);

}  // namespace netbinder::bench
