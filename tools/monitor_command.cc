// SPDX-License-Identifier: Apache-2.0
// monitor: each call of a host as it ends, one line for each.
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "tools/calls/call_record.h"
#include "tools/calls/program_names.h"
#include "tools/calls/ring_reader.h"
#include "tools/calls/until_stopped.h"
#include "tools/commands.h"

namespace netbinder::tools {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kShowEveryMs = 10;
constexpr std::size_t kMostUnderWay = 1'000'000;

std::int64_t ns_by(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

class Monitor {
 public:
  explicit Monitor(const MonitorOptions& options)
      : options_(options), reader_(options.socket), colour_(::isatty(STDOUT_FILENO) == 1) {}

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
    if (reader_.lost() > 0) {
      fmt::print(stderr, "netbinder: {} entries were overwritten before they could be read\n",
                 reader_.lost());
    }
    return 0;
  }

 private:
  [[nodiscard]] bool done() const { return options_.count > 0 && shown_ >= options_.count; }

  void look() {
    std::vector<call_ring::Entry> entries;
    reader_.drain(entries);
    wall_ns_ = ns_by(CLOCK_REALTIME) - ns_by(CLOCK_MONOTONIC);
    for (const call_ring::Entry& entry : entries) {
      const auto point = static_cast<CallPoint>(entry.point);
      if (point == CallPoint::kHandled || done()) continue;
      if (under_way_.size() >= kMostUnderWay) under_way_.clear();
      CallRecord& call = under_way_[entry.span];
      call.add(entry);
      if (!call.ends_with(point)) continue;
      show(call);
      under_way_.erase(entry.span);
    }
    std::fflush(stdout);
  }

  // "hello_client(1234)", or the name of a host.
  std::string end_text(const CallEnd& end) {
    if (end.host != HostId{}) {
      const auto found = reader_.host_names().find(end.host.value());
      return "@" + (found == reader_.host_names().end() ? std::to_string(end.host.value())
                                                        : found->second);
    }
    if (end.pid == 0) return "-";
    const std::string& name = program_of(end.pid);
    return fmt::format("{}({})", name.empty() ? "pid" : name, end.pid);
  }

  const std::string& program_of(std::int32_t pid) {
    return programs_.of(pid, [this](std::int32_t of) { return reader_.program_of(of); });
  }

  void show(const CallRecord& call) {
    const bool failed = call.failed_command != 0;
    if (options_.failed && !failed) return;
    const std::string from = end_text(call.caller);
    const std::string to = end_text(call.handler);
    const std::string interface = reader_.interface_of(call.node);
    const auto has = [&](const std::string& text) {
      return text.find(options_.filter) != std::string::npos;
    };
    if (!options_.filter.empty() && !has(from) && !has(to) && !has(interface)) return;
    ++shown_;
    const std::string result = failed        ? failure_text(failure_name(call.failed_command),
                                                            call.failed_error, reader_.reason(call.reason))
                               : call.oneway ? "oneway"
                                             : "ok";
    if (options_.json) {
      print_json(call, interface, result);
    } else {
      print_line(call, from, to, interface, result);
    }
  }

  [[nodiscard]] std::string time_of(const CallRecord& call) const {
    const std::int64_t ns =
        static_cast<std::int64_t>(call.began_ns != 0 ? call.began_ns : call.first_ns()) + wall_ns_;
    const std::time_t seconds = ns / 1'000'000'000;
    return fmt::format("{:%H:%M:%S}.{:06}", fmt::localtime(seconds), ns % 1'000'000'000 / 1000);
  }

  static std::optional<double> duration_us(const CallRecord& call) {
    if (call.began_ns == 0 || call.last_ns() < call.began_ns) return std::nullopt;
    return static_cast<double>(call.last_ns() - call.began_ns) / 1000;
  }

  static void print_heading() {
    fmt::print("{:<15}  {:<24} {:<24} {:<36} {:>10} {:>8} {:>10}  {}\n", "TIME", "FROM", "TO",
               "INTERFACE", "CODE", "BYTES", "MICROSEC", "RESULT");
  }

  void print_line(const CallRecord& call, const std::string& from, const std::string& to,
                  const std::string& interface, const std::string& result) const {
    const auto took = duration_us(call);
    const bool red = colour_ && call.failed_command != 0;
    fmt::print("{:<15}  {:<24} {:<24} {:<36} {:>10} {:>8} {:>10}  {}{}{}\n", time_of(call), from,
               to, interface.empty() ? fmt::format("node {}", call.node) : interface, call.code,
               call.call_bytes, took ? fmt::format("{:.1f}", *took) : "-", red ? "\033[31m" : "",
               result, red ? "\033[0m" : "");
  }

  void print_json(const CallRecord& call, const std::string& interface, const std::string& result) {
    const auto end_of = [this](const CallEnd& end) {
      nlohmann::json made = {{"pid", end.pid}, {"tid", end.tid}};
      if (end.host != HostId{}) {
        made["host"] = end_text(end).substr(1);
      } else {
        made["program"] = program_of(end.pid);
      }
      return made;
    };
    const auto took = duration_us(call);
    nlohmann::json line = {{"time", time_of(call)},
                           {"trace", fmt::format("{:#018x}", call.trace)},
                           {"span", fmt::format("{:#018x}", call.span)},
                           {"from", end_of(call.caller)},
                           {"to", end_of(call.handler)},
                           {"interface", interface},
                           {"node", call.node},
                           {"code", call.code},
                           {"oneway", call.oneway},
                           {"bytes", std::to_string(call.call_bytes)},
                           {"reply_bytes", std::to_string(call.reply_bytes)},
                           {"failed", call.failed_command != 0},
                           {"result", result}};
    if (call.parent != 0) line["parent"] = fmt::format("{:#018x}", call.parent);
    line["duration_us"] = took ? nlohmann::json(*took) : nlohmann::json();
    fmt::print("{}\n", line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }

  MonitorOptions options_;
  RingReader reader_;
  bool colour_;
  ProgramNames programs_;
  std::unordered_map<std::uint64_t, CallRecord> under_way_;
  std::size_t shown_ = 0;
  std::int64_t wall_ns_ = 0;  // the clock on the wall is ahead of the agent's by so much
};

}  // namespace

int carry_out(const MonitorOptions& options, char** /*argv*/) { return Monitor(options).run(); }

}  // namespace netbinder::tools
