// SPDX-License-Identifier: Apache-2.0
#include "bench/driver/bench.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <stdexcept>

#include "bench/driver/json_lines.h"
#include "bench/driver/namespaces.h"
#include "bench/driver/plan.h"
#include "bench/driver/report.h"
#include "bench/driver/results.h"
#include "bench/driver/table.h"

namespace netbinder::bench {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// One line that is written over on a terminal, and a line for each tenth elsewhere.
class Progress {
 public:
  explicit Progress(std::size_t turns)
      : turns_(turns), on_terminal_(::isatty(STDERR_FILENO) == 1) {}
  void turn_ended(const TurnResult& turn, std::size_t taken) {
    if (!turn.error.empty()) {
      fmt::print(stderr, "{}{}, {}, {}: failed: {}\n", on_terminal_ ? "\r\033[K" : "", turn.peer,
                 text(turn.point.mode), describe(turn.point), turn.error);
    }
    const double took_s = seconds_since(began_);
    const double left_s =
        took_s / static_cast<double>(taken) * static_cast<double>(turns_ - std::min(taken, turns_));
    const std::size_t tenth = 10 * taken / turns_;
    if (on_terminal_) {
      fmt::print(stderr, "\r\033[K{} of {} turns, {:.0f} s left: round {}, {}, {}, {}", taken,
                 turns_, left_s, turn.round + 1, text(turn.point.mode), describe(turn.point),
                 turn.peer);
      if (taken >= turns_) fmt::print(stderr, "\n");
    } else if (tenth != tenth_) {
      fmt::print(stderr, "{} of {} turns, {:.0f} s left\n", taken, turns_, left_s);
    }
    tenth_ = tenth;
    std::fflush(stderr);
  }

 private:
  std::size_t turns_;
  std::size_t tenth_ = 0;
  bool on_terminal_;
  Clock::time_point began_ = Clock::now();
};

// Opened before anything is measured, so that a bad name costs no time.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path) : path_(path) {
    if (path.empty() || path == "-") return;
    file_.open(path);
    if (!file_) throw std::runtime_error("cannot write " + path + ": " + std::strerror(errno));
  }
  void write(const std::string& text) {
    if (path_.empty()) return;
    if (path_ == "-") {
      std::fputs(text.c_str(), stdout);
      return;
    }
    file_ << text;
    file_.flush();
    if (!file_) throw std::runtime_error("cannot write " + path_);
    fmt::print(stderr, "written: {}\n", path_);
  }

 private:
  std::string path_;
  std::ofstream file_;
};

// Modes that are wanted and possible. Namespaces that were asked for must be possible.
std::unique_ptr<Namespaces> choose_modes(Results& results) {
  std::unique_ptr<Namespaces> namespaces;
  const bool asked = !results.options.modes.empty();
  results.modes =
      asked ? results.options.modes : std::vector{Mode::kLocal, Mode::kTcp, Mode::kVeth, Mode::kTls};
  if (std::ranges::find(results.modes, Mode::kVeth) == results.modes.end()) return namespaces;
  try {
    namespaces = std::make_unique<Namespaces>();
  } catch (const std::runtime_error& error) {
    if (asked) throw;
    std::erase(results.modes, Mode::kVeth);
    results.absent_modes.push_back({Mode::kVeth, error.what()});
  }
  return namespaces;
}

}  // namespace

int run(const Options& options) {
  Results results;
  results.options = options;
  std::ranges::sort(results.options.sizes);
  std::ranges::sort(results.options.clients);
  OutputFile json(options.json);
  OutputFile report(options.report);
  results.catalogue = Catalogue::find(options.folder, options.peers);
  for (const PeerAbsent& absent : results.catalogue.absent) {
    fmt::print(stderr, "absent: {}: {}\n", absent.name, absent.why);
  }
  const std::unique_ptr<Namespaces> namespaces = choose_modes(results);
  for (const ModeAbsent& absent : results.absent_modes) {
    fmt::print(stderr, "not measured: mode {}: {}\n", text(absent.mode), absent.why);
  }
  results.points = points_of(results.options, results.modes);
  results.machine = Machine::look();

  const TurnsSetup setup{.points = results.points,
                         .peers = results.catalogue.here,
                         .rounds = options.rounds,
                         .seconds = options.seconds,
                         .namespaces = namespaces.get()};
  const auto began = Clock::now();
  Progress progress(count_turns(setup));
  take_turns(setup, [&](const TurnResult& turn) {
    results.turns.push_back(turn);
    progress.turn_ended(turn, results.turns.size());
  });
  results.took_s = seconds_since(began);
  results.load_after = load_now();
  results.summaries = summarise(results.turns, results.catalogue.here, results.points);

  if (options.json != "-") fmt::print("{}", table_of(results));
  json.write(json_lines_of(results));
  report.write(report_of(results));
  const bool failed = std::ranges::any_of(
      results.turns, [](const TurnResult& turn) { return !turn.error.empty(); });
  return failed ? 1 : 0;
}

}  // namespace netbinder::bench
