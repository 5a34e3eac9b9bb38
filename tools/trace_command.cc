// SPDX-License-Identifier: Apache-2.0
// trace: records the calls of one or more hosts, and writes a file that trace viewers open.
#include <fmt/format.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "tools/calls/clocks.h"
#include "tools/calls/collector.h"
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

std::vector<std::string> sockets_of(const TraceOptions& options) {
  std::vector<std::string> sockets = options.sockets;
  if (sockets.empty()) sockets.push_back(agent_socket());
  if (!options.all) return sockets;
  for (std::size_t host = 2; host <= PrivateCluster::kMaxHosts; ++host) {
    const char* const socket = std::getenv(fmt::format("NETBINDER_SOCKET_{}", host).c_str());
    if (socket != nullptr && *socket != '\0') sockets.emplace_back(socket);
  }
  std::set<std::string> seen;
  std::erase_if(sockets, [&](const std::string& each) { return !seen.insert(each).second; });
  return sockets;
}

void record_calls(std::vector<std::unique_ptr<Collector>>& collectors, double seconds) {
  const UntilStopped until;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (!until.stopped() && Clock::now() < end) {
    bool full = false;
    for (const auto& each : collectors) {
      each->collect();
      full = full || each->full();
    }
    if (full) {
      fmt::print(stderr, "netbinder: this is as much as one file takes; it ends here\n");
      break;
    }
    until.sleep_ms(kDrainEveryMs);
  }
  for (const auto& each : collectors) each->collect();
}

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
  std::vector<std::unique_ptr<Collector>> collectors;
  for (const std::string& socket : sockets_of(options)) {
    collectors.push_back(std::make_unique<Collector>(std::make_unique<RingReader>(socket)));
  }
  record_calls(collectors, options.seconds);
  std::vector<HostRecording> hosts;
  for (const auto& each : collectors) hosts.push_back(each->take());
  write_file(options.file, hosts);
  return 0;
}

}  // namespace netbinder::tools
