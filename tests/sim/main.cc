// SPDX-License-Identifier: Apache-2.0
//
// Runs seeds of the simulation. Exit status 1 means that some failed; for each of them the reason
// was printed, and the command that runs it again.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "tests/sim/world.h"

namespace netbinder::sim {
namespace {

std::string replay;  // of the seed that runs

[[noreturn]] void usage() {
  std::fprintf(stderr,
               "usage: sim SEED… | --from A --count N  [--hosts H] [--verbose] [--check-always]\n"
               "           [--kill-at EVENT] [--statistics] [--traces] [--first-failure]\n");
  std::exit(2);
}

void aborted(int) {
  (void)!::write(STDERR_FILENO, replay.data(), replay.size());
  std::signal(SIGABRT, SIG_DFL);
  std::abort();
}

void add(Statistics& sum, const Statistics& each) {
  constexpr std::size_t kCounters = sizeof(Statistics) / sizeof(std::uint64_t);
  std::uint64_t to[kCounters];
  std::uint64_t from[kCounters];
  std::memcpy(to, &sum, sizeof sum);
  std::memcpy(from, &each, sizeof each);
  for (std::size_t i = 0; i < kCounters; ++i) to[i] += from[i];
  std::memcpy(&sum, to, sizeof sum);
}

void print(const Statistics& sum) {
  std::printf("calls %lu: replies %lu, dead %lu, failed %lu, cancelled %lu; nested %lu\n",
              sum.calls, sum.replies, sum.dead, sum.failed, sum.cancelled, sum.nested);
  std::printf("oneways %lu, delivered %lu; objects %lu; names looked up %lu\n", sum.oneways,
              sum.oneways_delivered, sum.objects, sum.names);
  std::printf("calls followed, once for each host: %lu\n", sum.calls_followed);
  std::printf("deaths told %lu, nodes released %lu, ledgers compared %lu\n", sum.deaths_told,
              sum.releases, sum.ledgers_compared);
  std::printf("freezes %lu, told %lu\n", sum.freezes, sum.freezes_told);
  std::printf(
      "descriptors sent %lu, installed %lu; installs failed %lu; arrays %lu, over the bound "
      "%lu; bad ones %lu\n",
      sum.files_sent, sum.files_installed, sum.installs_failed, sum.arrays, sum.large_arrays,
      sum.bad_files);
  std::printf(
      "weak objects %lu; scattered payloads %lu; lazy services: told of clients %lu, left "
      "%lu, had to stay %lu\n",
      sum.weak_objects, sum.scattered, sum.callbacks, sum.left, sum.stayed);
  std::printf("leases %lu, ahead %lu, refused %lu: used %lu, returned %lu, lost %lu\n", sum.leases,
              sum.leases_ahead, sum.leases_refused, sum.leases_used, sum.leases_returned,
              sum.leases_lost);
  std::printf(
      "programs killed %lu, agents %lu; ends of sessions %lu, breaks %lu, cuts %lu; lies %lu, "
      "managers "
      "deposed %lu; new lists of hosts %lu\n",
      sum.kills, sum.crashes, sum.sessions_lost, sum.breaks, sum.cuts, sum.lies, sum.deposed,
      sum.rolls);
}

int run(int argc, char** argv) {
  std::vector<std::uint64_t> seeds;
  std::uint64_t from = 1;
  std::uint64_t count = 0;
  std::uint32_t hosts = 0;
  bool verbose = false;
  bool check_always = false;
  bool statistics = false;
  bool traces = false;
  bool first_failure = false;
  std::uint64_t kill_at = 0;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto number = [&] {
      if (++i == argc) usage();
      return std::strtoull(argv[i], nullptr, 10);
    };
    if (argument == "--from") {
      from = number();
    } else if (argument == "--count") {
      count = number();
    } else if (argument == "--hosts") {
      hosts = static_cast<std::uint32_t>(number());
    } else if (argument == "--kill-at") {
      kill_at = number();
    } else if (argument == "--verbose") {
      verbose = true;
    } else if (argument == "--check-always") {
      check_always = true;
    } else if (argument == "--traces") {
      traces = true;
    } else if (argument == "--first-failure") {
      first_failure = true;
    } else if (argument == "--statistics") {
      statistics = true;
    } else if (argument.find_first_not_of("0123456789") == std::string::npos) {
      seeds.push_back(std::strtoull(argument.c_str(), nullptr, 10));
    } else {
      usage();
    }
  }
  for (std::uint64_t i = 0; i < count; ++i) seeds.push_back(from + i);
  if (seeds.empty()) usage();

  std::signal(SIGABRT, aborted);
  Statistics sum;
  std::uint64_t failures = 0;
  for (const std::uint64_t seed : seeds) {
    replay = "seed " + std::to_string(seed) + " ended the process; again: " + argv[0] + " " +
             std::to_string(seed) + (hosts != 0 ? " --hosts " + std::to_string(hosts) : "") +
             (kill_at != 0 ? " --kill-at " + std::to_string(kill_at) : "") + " --verbose\n";
    Settings settings = Settings::of_seed(seed, hosts);
    settings.verbose = verbose;
    if (check_always) settings.check_every = 1;
    settings.kill_at_event = kill_at;
    World world(settings);
    if (!world.run()) {
      ++failures;
      std::printf("seed %lu failed %s\n  again: %s\n", seed, world.oracle().failure().c_str(),
                  replay.substr(replay.find("again: ") + 7).c_str());
      std::fflush(stdout);
    } else if (verbose || traces) {
      std::printf("seed %lu: trace %016lx\n", seed, world.trace_hash());
    }
    add(sum, world.oracle().statistics);
    if (first_failure && failures > 0) break;
  }
  if (statistics) print(sum);
  std::printf("%zu seeds, %lu failed\n", seeds.size(), failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace netbinder::sim

int main(int argc, char** argv) { return netbinder::sim::run(argc, argv); }
