// SPDX-License-Identifier: Apache-2.0
// monitor: each call of a host, or of all hosts, as it ends, one line for each.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tools/calls/all_hosts.h"
#include "tools/calls/call_words.h"
#include "tools/calls/ended_calls.h"
#include "tools/calls/far_calls.h"
#include "tools/calls/ring_reader.h"
#include "tools/calls/until_stopped.h"
#include "tools/commands.h"

namespace netbinder::tools {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kShowEveryMs = 10;
constexpr std::size_t kMostUnderWay = 1'000'000;

// A host whose calls are shown.
struct Watched {
  explicit Watched(std::unique_ptr<CallSource> from) : source(std::move(from)), words(*source) {}
  std::unique_ptr<CallSource> source;
  CallWords words;
  EndedCalls calls{kMostUnderWay};
  bool ended = false;  // it cannot be read any more
};

class Monitor {
 public:
  explicit Monitor(const MonitorOptions& options)
      : options_(options), colour_(::isatty(STDOUT_FILENO) == 1) {
    CallSources sources;
    if (options.hosts.host.empty()) {
      sources.push_back(std::make_unique<RingReader>(options.socket));
    } else {
      sources.push_back(std::make_unique<FarCalls>(options.socket, options.hosts.host));
    }
    if (options.hosts.all && add_other_hosts(options.socket, sources) > 0) status_ = 1;
    for (auto& source : sources) hosts_.push_back(std::make_unique<Watched>(std::move(source)));
  }

  int run() {
    const UntilStopped until;
    const auto end = Clock::now() + std::chrono::duration<double>(options_.seconds);
    const auto is_over = [&] { return options_.seconds > 0 && Clock::now() >= end; };
    if (!options_.json) print_heading();
    while (!until.stopped() && !done() && !is_over()) {
      look(&CallSource::drain);
      if (!done()) until.sleep_ms(kShowEveryMs);
    }
    if (!done()) look(&CallSource::drain_rest);
    std::uint64_t lost = 0;
    for (const auto& host : hosts_) lost += host->source->lost();
    if (lost > 0) {
      fmt::print(stderr, "netbinder: {} entries were overwritten before they could be read\n",
                 lost);
    }
    return status_;
  }

 private:
  // As many calls as were wanted, or no host is left.
  [[nodiscard]] bool done() const {
    return (options_.count > 0 && shown_ >= options_.count) ||
           std::ranges::all_of(hosts_, [](const auto& host) { return host->ended; });
  }

  void look(void (CallSource::*how)(std::vector<call_ring::Entry>&)) {
    for (const auto& host : hosts_) {
      if (host->ended) continue;
      std::vector<call_ring::Entry> entries;
      try {
        (host->source.get()->*how)(entries);
      } catch (const std::runtime_error& error) {
        fmt::print(stderr, "netbinder: {}\n", error.what());
        host->ended = true;
        status_ = 1;
      }
      for (const call_ring::Entry& entry : entries) {
        if (done()) break;
        if (const auto call = host->calls.add(entry)) show(*host, *call);
      }
    }
    std::fflush(stdout);
  }

  void show(Watched& host, const CallRecord& call) {
    if (options_.failed && !call.failed()) return;
    // A monitor of other hosts would for ever show its own questions.
    if (!options_.hosts.here() && carries_question(call, host.source->agent_pid())) return;
    const std::string from = host.words.end(call.caller);
    const std::string to = host.words.end(call.handler);
    const std::string interface = host.words.interface(call);
    const auto has = [&](const std::string& text) {
      return text.find(options_.filter) != std::string::npos;
    };
    if (!options_.filter.empty() && !has(from) && !has(to) && !has(interface)) return;
    ++shown_;
    if (options_.json) {
      nlohmann::json line = host.words.json(call);
      if (options_.hosts.all) line["host"] = host.source->host_name();
      fmt::print("{}\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    } else {
      print_line(host, call, from, to, interface);
    }
  }

  void print_heading() const {
    if (options_.hosts.all) fmt::print("{:<12} ", "HOST");
    fmt::print("{:<15}  {:<24} {:<24} {:<36} {:>10} {:>8} {:>10}  {}\n", "TIME", "FROM", "TO",
               "INTERFACE", "CODE", "BYTES", "MICROSEC", "RESULT");
  }

  void print_line(const Watched& host, const CallRecord& call, const std::string& from,
                  const std::string& to, const std::string& interface) const {
    const auto took = call.duration_us();
    const bool red = colour_ && call.failed();
    if (options_.hosts.all) fmt::print("{:<12} ", host.source->host_name());
    fmt::print("{:<15}  {:<24} {:<24} {:<36} {:>10} {:>8} {:>10}  {}{}{}\n", host.words.time(call),
               from, to, interface.empty() ? fmt::format("node {}", call.node) : interface,
               call.code, call.call_bytes, took ? fmt::format("{:.1f}", *took) : "-",
               red ? "\033[31m" : "", host.words.result(call), red ? "\033[0m" : "");
  }

  const MonitorOptions options_;
  std::vector<std::unique_ptr<Watched>> hosts_;
  bool colour_;
  std::size_t shown_ = 0;
  int status_ = 0;  // 1: a host could not be followed, or not to the end
};

}  // namespace

int carry_out(const MonitorOptions& options, char** /*argv*/) { return Monitor(options).run(); }

}  // namespace netbinder::tools
