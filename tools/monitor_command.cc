// SPDX-License-Identifier: Apache-2.0
// monitor: each call of a host as it ends, one line for each.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/calls/call_words.h"
#include "tools/calls/ended_calls.h"
#include "tools/calls/ring_reader.h"
#include "tools/calls/until_stopped.h"
#include "tools/commands.h"

namespace netbinder::tools {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kShowEveryMs = 10;
constexpr std::size_t kMostUnderWay = 1'000'000;

class Monitor {
 public:
  Monitor(const MonitorOptions& options, std::unique_ptr<CallSource> source)
      : options_(options),
        source_(std::move(source)),
        words_(*source_),
        colour_(::isatty(STDOUT_FILENO) == 1) {}

  int run() {
    const UntilStopped until;
    const auto end =
        options_.seconds > 0
            ? std::optional(Clock::now() + std::chrono::duration<double>(options_.seconds))
            : std::nullopt;
    if (!options_.json) print_heading();
    while (!until.stopped() && !done() && !(end && Clock::now() >= *end)) {
      look();
      if (!done()) until.sleep_ms(kShowEveryMs);
    }
    if (!done()) look();
    if (source_->lost() > 0) {
      fmt::print(stderr, "netbinder: {} entries were overwritten before they could be read\n",
                 source_->lost());
    }
    return 0;
  }

 private:
  [[nodiscard]] bool done() const { return options_.count > 0 && shown_ >= options_.count; }

  void look() {
    std::vector<call_ring::Entry> entries;
    source_->drain(entries);
    for (const call_ring::Entry& entry : entries) {
      if (done()) break;
      if (const auto call = calls_.add(entry)) show(*call);
    }
    std::fflush(stdout);
  }

  void show(const CallRecord& call) {
    if (options_.failed && !call.failed()) return;
    const std::string from = words_.end(call.caller);
    const std::string to = words_.end(call.handler);
    const std::string interface = words_.interface(call);
    const auto has = [&](const std::string& text) {
      return text.find(options_.filter) != std::string::npos;
    };
    if (!options_.filter.empty() && !has(from) && !has(to) && !has(interface)) return;
    ++shown_;
    if (options_.json) {
      fmt::print("{}\n",
                 words_.json(call).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
      print_line(call, from, to, interface);
    }
  }

  static void print_heading() {
    fmt::print("{:<15}  {:<24} {:<24} {:<36} {:>10} {:>8} {:>10}  {}\n", "TIME", "FROM", "TO",
               "INTERFACE", "CODE", "BYTES", "MICROSEC", "RESULT");
  }

  void print_line(const CallRecord& call, const std::string& from, const std::string& to,
                  const std::string& interface) const {
    const auto took = call.duration_us();
    const bool red = colour_ && call.failed();
    fmt::print("{:<15}  {:<24} {:<24} {:<36} {:>10} {:>8} {:>10}  {}{}{}\n", words_.time(call),
               from, to, interface.empty() ? fmt::format("node {}", call.node) : interface,
               call.code, call.call_bytes, took ? fmt::format("{:.1f}", *took) : "-",
               red ? "\033[31m" : "", words_.result(call), red ? "\033[0m" : "");
  }

  const MonitorOptions options_;
  const std::unique_ptr<CallSource> source_;
  CallWords words_;
  EndedCalls calls_{kMostUnderWay};
  bool colour_;
  std::size_t shown_ = 0;
};

}  // namespace

int carry_out(const MonitorOptions& options, char** /*argv*/) {
  return Monitor(options, std::make_unique<RingReader>(options.socket)).run();
}

}  // namespace netbinder::tools
