// SPDX-License-Identifier: Apache-2.0
#include "tools/calls/trace_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "tools/calls/slices.h"

namespace netbinder::tools {

namespace {

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string hex(std::uint64_t id) { return fmt::format("\"{:#018x}\"", id); }

class TraceWriter {
 public:
  TraceWriter(std::FILE* file, const std::vector<HostRecording>& hosts,
              const std::vector<ClockOffset>& clocks)
      : file_(file), hosts_(hosts), clocks_(clocks), slices_(hosts, clocks) {
    first_ns_ = 0;
    bool any = false;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      if (hosts[i].entries.empty()) continue;
      const std::int64_t first = slices_.common_ns(i, hosts[i].entries.front().time_ns);
      first_ns_ = any ? std::min(first_ns_, first) : first;
      any = true;
    }
  }

  TraceContents write() {
    fmt::print(file_, "{{\"displayTimeUnit\":\"ns\",\n\"traceEvents\":[\n");
    write_tracks();
    for (const Slice& slice : slices_.all()) write(slice);
    for (const Arrow& arrow : slices_.arrows()) write(arrow);
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
      write_loads(i);
      write_calls_under_way(i);
    }
    fmt::print(file_, "\n],\n\"otherData\":{}}}\n", other_data().dump());
    std::set<std::uint64_t> spans;
    for (const auto& calls : slices_.calls()) {
      for (const auto& [span, call] : calls) spans.insert(span);
    }
    contents_.calls = spans.size();
    for (const HostRecording& host : hosts_) contents_.lost += host.lost;
    return contents_;
  }

 private:
  // Microseconds since the first event.
  [[nodiscard]] std::string time(std::int64_t common_ns) const {
    const std::int64_t ns = common_ns - first_ns_;
    return fmt::format("{}.{:03}", ns / 1000, ns % 1000);
  }
  void event(const std::string& fields) {
    fmt::print(file_, "{}{{{}}}", std::exchange(any_, true) ? ",\n" : "", fields);
  }

  // ---- tracks ----
  // The number of a program's track; the hosts' own come first.
  int track_of(std::size_t host, std::int32_t pid) {
    const auto [found, is_new] =
        tracks_.try_emplace({host, pid}, static_cast<int>(hosts_.size() + tracks_.size() + 1));
    return found->second;
  }
  static int track_of(std::size_t host) { return static_cast<int>(host + 1); }

  void name_track(int track, const std::string& name, std::size_t order) {
    event(fmt::format("\"ph\":\"M\",\"pid\":{},\"name\":\"process_name\",\"args\":{{\"name\":{}}}",
                      track, quoted(name)));
    event(fmt::format(
        "\"ph\":\"M\",\"pid\":{},\"name\":\"process_sort_index\",\"args\":{{\"sort_index\":{}}}",
        track, order));
  }

  void write_tracks() {
    std::set<ThreadOfHost> threads;
    for (const Slice& slice : slices_.all()) threads.insert(slice.thread);
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
      name_track(track_of(i), "host " + hosts_[i].name, i * 100000);
    }
    std::set<int> named;
    for (const ThreadOfHost& thread : threads) {
      const int track = track_of(thread.host, thread.pid);
      if (named.insert(track).second) {
        const HostRecording& host = hosts_[thread.host];
        const auto program = host.programs.find(thread.pid);
        name_track(
            track,
            fmt::format("{}: {} {}", host.name,
                        program == host.programs.end() ? "pid" : program->second, thread.pid),
            thread.host * 100000 + named.size());
      }
      event(
          fmt::format("\"ph\":\"M\",\"pid\":{},\"tid\":{},\"name\":\"thread_name\",\"args\":{{"
                      "\"name\":\"{}\"}}",
                      track, thread.tid,
                      thread.tid == static_cast<std::uint32_t>(thread.pid)
                          ? "main"
                          : fmt::format("thread {}", thread.tid)));
    }
  }

  // ---- slices and arrows ----
  [[nodiscard]] std::string end_text(const CallEnd& end, std::size_t host) const {
    if (end.host != HostId{}) {
      for (const HostRecording& other : hosts_) {
        if (other.host == end.host.value()) return "host " + other.name;
      }
      return fmt::format("host {}", end.host.value());
    }
    const auto program = hosts_[host].programs.find(end.pid);
    return fmt::format("{} {}/{}", program == hosts_[host].programs.end() ? "pid" : program->second,
                       end.pid, end.tid);
  }

  [[nodiscard]] std::string arguments(const Slice& slice) const {
    const CallRecord& call = *slice.call;
    const std::size_t host = slice.thread.host;
    const std::string interface = hosts_[host].interface_of(call.node);
    std::string text = fmt::format(
        "\"trace\":{},\"span\":{},\"code\":{},\"oneway\":{},\"bytes\":{},\"caller\":{},\"handler\":"
        "{}",
        hex(call.trace), hex(call.span), call.code, call.oneway, call.call_bytes,
        quoted(end_text(call.caller, host)), quoted(end_text(call.handler, host)));
    if (!interface.empty()) text += ",\"interface\":" + quoted(interface);
    if (call.parent != 0) text += ",\"parent\":" + hex(call.parent);
    if (call.reply_bytes != 0) text += fmt::format(",\"reply_bytes\":{}", call.reply_bytes);
    const auto between = [&](const char* name, CallPoint from, CallPoint to) {
      if (!call.has(from) || !call.has(to) || call.at(to) < call.at(from)) return;
      text += fmt::format(",\"{}_us\":{:.3f}", name,
                          static_cast<double>(call.at(to) - call.at(from)) / 1000);
    };
    between("in_queue", CallPoint::kQueued, CallPoint::kDelivered);
    between("elsewhere", CallPoint::kSent, CallPoint::kReplyArrived);
    between("reply_in_queue", CallPoint::kReplied, CallPoint::kReplyRead);
    if (call.failed_command != 0) {
      const auto& reasons = hosts_[host].reasons;
      const auto reason = reasons.find(call.reason);
      text +=
          ",\"failed\":" + quoted(failure_text(failure_name(call.failed_command), call.failed_error,
                                               reason == reasons.end() ? "" : reason->second));
    }
    if (slice.began_before) text += ",\"began_before\":true";
    if (slice.unfinished) text += ",\"unfinished\":true";
    if (slice.cut) text += ",\"cut\":true";
    return text;
  }

  void write(const Slice& slice) {
    ++contents_.slices;
    const bool calls = slice.kind == Slice::Kind::kCalls;
    const std::string interface = hosts_[slice.thread.host].interface_of(slice.call->node);
    event(fmt::format(
        "\"ph\":\"X\",\"cat\":\"{}\",\"name\":{},\"pid\":{},\"tid\":{},\"ts\":{},\"dur\":{}.{:03},"
        "\"args\":{{{}}}",
        calls ? "call" : "handling", quoted(call_name(interface, slice.call->code)),
        track_of(slice.thread.host, slice.thread.pid), slice.thread.tid, time(slice.start_ns),
        (slice.end_ns - slice.start_ns) / 1000, (slice.end_ns - slice.start_ns) % 1000,
        arguments(slice)));
  }

  void write(const Arrow& arrow) {
    ++contents_.arrows;
    const bool call = arrow.kind == Arrow::Kind::kCall;
    const auto end = [&](const char* phase, const ThreadOfHost& thread, std::int64_t at) {
      event(
          fmt::format("\"ph\":\"{}\",\"bp\":\"e\",\"cat\":\"{}\",\"name\":\"{}\",\"id\":\"{:#018x}{"
                      "}\",\"pid\":{},"
                      "\"tid\":{},\"ts\":{}",
                      phase, call ? "call" : "reply", call ? "call" : "reply", arrow.span,
                      call ? "" : "r", track_of(thread.host, thread.pid), thread.tid, time(at)));
    };
    end("s", arrow.from, arrow.from_ns);
    end("f", arrow.to, arrow.to_ns);
  }

  // ---- counters ----
  void counter(int track, const std::string& name, std::int64_t at, const char* unit,
               std::uint64_t value) {
    event(fmt::format("\"ph\":\"C\",\"name\":{},\"pid\":{},\"ts\":{},\"args\":{{\"{}\":{}}}",
                      quoted(name), track, time(at), unit, value));
  }

  void write_loads(std::size_t host) {
    const std::vector<Load> loads = hosts_[host].loads();
    std::map<std::int32_t, std::set<std::uint32_t>> opens;
    for (const Load& load : loads) opens[load.pid].insert(load.process);
    for (const Load& load : loads) {
      if (!tracks_.contains({host, load.pid})) continue;
      const std::string which =
          opens[load.pid].size() > 1 ? fmt::format(" of open {}", load.process) : "";
      const int track = track_of(host, load.pid);
      const std::int64_t at = slices_.common_ns(host, load.time_ns);
      counter(track, "queue" + which, at, "calls", load.outstanding);
      counter(track, "arena" + which, at, "bytes", load.arena_used);
    }
  }

  void write_calls_under_way(std::size_t host) {
    std::vector<std::pair<std::uint64_t, int>> changes;
    for (const auto& [span, call] : slices_.calls()[host]) {
      changes.emplace_back(call.first_ns(), 1);
      for (std::size_t i = 0; i < kCallPoints; ++i) {
        const auto point = static_cast<CallPoint>(i);
        if (call.has(point) && call.ends_with(point)) {
          changes.emplace_back(call.at(point), -1);
          break;
        }
      }
    }
    std::ranges::sort(changes, [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first < b.first : a.second > b.second;
    });
    std::uint64_t calls = 0;
    for (const auto& [at, change] : changes) {
      calls += static_cast<std::uint64_t>(change);
      counter(track_of(host), "calls under way", slices_.common_ns(host, at), "calls", calls);
    }
  }

  [[nodiscard]] nlohmann::json other_data() const {
    nlohmann::json clocks = nlohmann::json::array();
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
      nlohmann::json clock = {{"host", hosts_[i].name},
                              {"offset_ns", std::to_string(clocks_[i].offset_ns)},
                              {"lost_entries", hosts_[i].lost}};
      clock["error_ns"] =
          clocks_[i].error_ns ? nlohmann::json(*clocks_[i].error_ns) : nlohmann::json();
      clocks.push_back(std::move(clock));
    }
    return {{"program", "netbinder"}, {"clocks", std::move(clocks)}};
  }

  std::FILE* file_;
  const std::vector<HostRecording>& hosts_;
  const std::vector<ClockOffset>& clocks_;
  Slices slices_;
  std::int64_t first_ns_ = 0;
  std::map<std::pair<std::size_t, std::int32_t>, int> tracks_;
  TraceContents contents_;
  bool any_ = false;
};

}  // namespace

std::string call_name(const std::string& interface, std::uint32_t code) {
  std::string text;
  // Android's own codes are four letters.
  for (int shift = 24; shift >= 0; shift -= 8) {
    const char letter = static_cast<char>(code >> shift & 0xFF);
    if (letter < ' ' || letter > '~') {
      text = fmt::format("#{}", code);
      break;
    }
    text += letter;
  }
  if (interface.empty()) return "call " + text;
  const std::size_t dot = interface.find_last_of('.');
  return (dot == std::string::npos ? interface : interface.substr(dot + 1)) + " " + text;
}

TraceContents write_trace(std::FILE* file, const std::vector<HostRecording>& hosts,
                          const std::vector<ClockOffset>& clocks) {
  return TraceWriter(file, hosts, clocks).write();
}

}  // namespace netbinder::tools
