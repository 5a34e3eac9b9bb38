// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/report.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace netbinder::fuzz {

namespace {

bool enabled() {
  static const bool set = std::getenv("NETBINDER_FUZZ_REPORT") != nullptr;
  return set;
}

// By number; what the kernel's driver does not have either is empty.
constexpr std::array<const char*, Statistics::kBcCommands> kBcNames = {
    "TRANSACTION",
    "REPLY",
    "",
    "FREE_BUFFER",
    "INCREFS",
    "ACQUIRE",
    "RELEASE",
    "DECREFS",
    "INCREFS_DONE",
    "ACQUIRE_DONE",
    "",
    "REGISTER_LOOPER",
    "ENTER_LOOPER",
    "EXIT_LOOPER",
    "REQUEST_DEATH_NOTIFICATION",
    "CLEAR_DEATH_NOTIFICATION",
    "DEAD_BINDER_DONE",
    "TRANSACTION_SG",
    "REPLY_SG",
    "REQUEST_FREEZE_NOTIFICATION",
    "CLEAR_FREEZE_NOTIFICATION",
    "FREEZE_NOTIFICATION_DONE"};
constexpr std::array<const char*, Statistics::kBrCommands> kBrNames = {
    "",
    "",
    "TRANSACTION",
    "REPLY",
    "",
    "DEAD_REPLY",
    "TRANSACTION_COMPLETE",
    "INCREFS",
    "ACQUIRE",
    "RELEASE",
    "DECREFS",
    "",
    "NOOP",
    "SPAWN_LOOPER",
    "",
    "DEAD_BINDER",
    "CLEAR_DEATH_NOTIFICATION_DONE",
    "FAILED_REPLY",
    "FROZEN_REPLY",
    "ONEWAY_SPAM_SUSPECT",
    "TRANSACTION_PENDING_FROZEN",
    "FROZEN_BINDER",
    "CLEAR_FREEZE_NOTIFICATION_DONE"};

template <typename Names, typename Counts>
void print(const char* prefix, const Names& names, const Counts& counts) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (names[i][0] == '\0' && counts[i] == 0) continue;
    std::fprintf(stderr, "%12llu  %s%s\n", static_cast<unsigned long long>(counts[i]), prefix,
                 names[i]);
  }
}

}  // namespace

Report& report() {
  static Report all;
  return all;
}

void reach(const char* name) {
  if (enabled()) ++report().reached[name];
}

bool tracing() {
  static const bool set = std::getenv("NETBINDER_FUZZ_TRACE") != nullptr;
  return set;
}

void trace(const char* format, ...) {
  if (!tracing()) return;
  std::va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
}

void Report::add(const Statistics& statistics) {
  for (std::size_t i = 0; i < sum.bc.size(); ++i) sum.bc[i] += statistics.bc[i];
  for (std::size_t i = 0; i < sum.br.size(); ++i) sum.br[i] += statistics.br[i];
  sum.calls_local += statistics.calls_local;
  sum.calls_to_peers += statistics.calls_to_peers;
  sum.calls_from_peers += statistics.calls_from_peers;
  sum.failed_calls += statistics.failed_calls;
}

Report::~Report() {
  if (!enabled()) return;
  std::fprintf(stderr, "%12llu  inputs\n%12llu  steps\n", static_cast<unsigned long long>(inputs),
               static_cast<unsigned long long>(steps));
  print("BC_", kBcNames, sum.bc);
  print("BR_", kBrNames, sum.br);
  const std::array<const char*, 4> names = {"calls on a host", "calls to peers", "calls from peers",
                                            "failed calls"};
  print("", names,
        std::array{sum.calls_local, sum.calls_to_peers, sum.calls_from_peers, sum.failed_calls});
  for (const auto& [name, count] : reached) {
    std::fprintf(stderr, "%12llu  %s\n", static_cast<unsigned long long>(count), name.c_str());
  }
}

}  // namespace netbinder::fuzz
