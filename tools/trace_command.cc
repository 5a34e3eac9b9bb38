// SPDX-License-Identifier: Apache-2.0
// trace: records the calls of one or more hosts, and writes a file that trace viewers open.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tools/calls/all_hosts.h"
#include "tools/calls/clocks.h"
#include "tools/calls/collector.h"
#include "tools/calls/far_calls.h"
#include "tools/calls/ring_reader.h"
#include "tools/calls/trace_file.h"
#include "tools/calls/until_stopped.h"
#include "tools/commands.h"
#include "tools/installation.h"
#include "tools/private_cluster.h"

namespace netbinder::tools {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kDrainEveryMs = 5;  // a ring has room for some milliseconds of the busiest agent

// In a session each agent has a socket here, and so no question has to be asked elsewhere.
std::vector<std::string> sockets_of(const TraceOptions& options) {
  std::vector<std::string> sockets = options.sockets;
  if (sockets.empty() && (options.hosts.empty() || options.all)) sockets.push_back(agent_socket());
  if (!options.all) return sockets;
  for (std::size_t host = 2; host <= PrivateCluster::kMaxHosts; ++host) {
    const char* const socket = std::getenv(fmt::format("NETBINDER_SOCKET_{}", host).c_str());
    if (socket != nullptr && *socket != '\0') sockets.emplace_back(socket);
  }
  std::set<std::string> seen;
  std::erase_if(sockets, [&](const std::string& each) { return !seen.insert(each).second; });
  return sockets;
}

// The hosts whose calls are recorded, each with what has been read of it so far.
class Recording {
 public:
  explicit Recording(const TraceOptions& options) {
    CallSources sources;
    for (const std::string& socket : sockets_of(options)) {
      sources.push_back(std::make_unique<RingReader>(socket));
    }
    const std::string through = options.sockets.empty() ? agent_socket() : options.sockets.front();
    for (const std::string& host : options.hosts) {
      if (has_source_of(sources, host)) continue;
      sources.push_back(std::make_unique<FarCalls>(through, host));
    }
    if (options.all) lost_hosts_ = add_other_hosts(through, sources);
    for (auto& source : sources) hosts_.emplace_back(Collector(std::move(source)));
  }

  void go_on_for(double seconds) {
    const UntilStopped until;
    const auto end = Clock::now() + std::chrono::duration<double>(seconds);
    while (!until.stopped() && Clock::now() < end && collect(&Collector::collect)) {
      if (std::ranges::any_of(hosts_, [](const Host& each) { return each.collector.full(); })) {
        fmt::print(stderr, "netbinder: this is as much as one file takes; it ends here\n");
        break;
      }
      until.sleep_ms(kDrainEveryMs);
    }
    (void)collect(&Collector::collect_rest);
  }

  [[nodiscard]] std::vector<HostRecording> take() {
    std::vector<HostRecording> taken;
    for (Host& each : hosts_) taken.push_back(each.collector.take());
    return taken;
  }
  // Hosts that have not been recorded to the end.
  [[nodiscard]] std::size_t lost_hosts() const { return lost_hosts_; }

 private:
  struct Host {
    explicit Host(Collector of) : collector(std::move(of)) {}
    Collector collector;
    bool ended = false;
  };

  // False: there is no host any more.
  bool collect(void (Collector::*how)()) {
    bool any = false;
    for (Host& each : hosts_) {
      if (each.ended) continue;
      try {
        (each.collector.*how)();
        any = true;
      } catch (const std::runtime_error& error) {  // what has been recorded so far is kept
        fmt::print(stderr, "netbinder: {}; its recording ends here\n", error.what());
        each.ended = true;
        ++lost_hosts_;
      }
    }
    return any;
  }

  std::vector<Host> hosts_;
  std::size_t lost_hosts_ = 0;
};

void write_file(const std::string& path, const std::vector<HostRecording>& hosts) {
  const std::vector<ClockOffset> clocks = compare_clocks(hosts);
  std::FILE* const file = std::fopen(path.c_str(), "we");
  if (file == nullptr) throw std::runtime_error(path + ": " + std::strerror(errno));
  const TraceContents contents = write_trace(file, hosts, clocks);
  const bool bad = std::ferror(file) != 0;
  if (std::fclose(file) != 0 || bad) throw std::runtime_error(path + ": " + std::strerror(errno));
  fmt::print(
      "{} calls on {} {}, {} slices and {} arrows in {}: open it at https://ui.perfetto.dev or "
      "in chrome://tracing\n",
      contents.calls, hosts.size(), hosts.size() == 1 ? "host" : "hosts", contents.slices,
      contents.arrows, path);
  for (const std::string& line : clock_lines(hosts, clocks)) fmt::print("{}\n", line);
  if (contents.lost > 0) {
    fmt::print("{} entries were overwritten before they could be read: calls are missing\n",
               contents.lost);
  }
}

}  // namespace

int carry_out(const TraceOptions& options, char** /*argv*/) {
  Recording recording(options);
  recording.go_on_for(options.seconds);
  write_file(options.file, recording.take());
  return recording.lost_hosts() == 0 ? 0 : 1;
}

}  // namespace netbinder::tools
