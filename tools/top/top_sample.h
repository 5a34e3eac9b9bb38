// SPDX-License-Identifier: Apache-2.0
//
// The data of `netbinder top`: two looks at an agent, and what has happened between them. Plain
// values, no I/O.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace netbinder::tools {

struct TopLook {
  struct Process {
    std::int32_t pid = 0;
    std::uint32_t uid = 0;
    std::string context;
    std::string program;  // as /proc has it, or its agent; empty: not known
    std::uint64_t threads = 0, waiting_threads = 0, outstanding = 0;
    std::uint64_t arena_bytes = 0, arena_used_bytes = 0;
    std::uint64_t calls_made = 0, calls_handled = 0;
  };
  struct Context {
    std::string name;
    std::string manager;
  };
  struct Link {
    std::string host, transport, state;
    std::uint64_t bytes_sent = 0, bytes_received = 0, unacknowledged_bytes = 0;
    std::uint64_t round_trip_us = 0, reconnects = 0;
  };
  std::chrono::steady_clock::time_point time;
  std::string host, cluster, version;
  std::uint64_t hosts_connected = 0, hosts_configured = 0;
  std::uint64_t transactions = 0;
  // Since the agent began.
  std::uint64_t calls_local = 0, calls_to_peers = 0, calls_from_peers = 0, failed_calls = 0;
  std::uint64_t payload_bytes = 0, requests = 0;
  std::vector<Context> contexts;
  std::vector<Link> links;
  std::map<std::uint64_t, Process>
      processes;  // of this user, or all of them; by the agent's number
};

// The look that an agent's answers to "status" and "loads" describe, without its time. Throws
// std::runtime_error if they make no sense.
[[nodiscard]] TopLook look_of(const nlohmann::json& status, const nlohmann::json& loads);

// The rates for a second.
struct TopPage {
  struct Process {
    TopLook::Process now;
    double calls_made = 0, calls_handled = 0;
  };
  // The sums over its processes that the user sees.
  struct Context {
    TopLook::Context now;
    std::uint64_t processes = 0, threads = 0, waiting_threads = 0, outstanding = 0;
    std::uint64_t arena_bytes = 0, arena_used_bytes = 0;
    double calls_made = 0, calls_handled = 0;
  };
  struct Link {
    TopLook::Link now;
    double bytes_sent = 0, bytes_received = 0;
  };
  TopLook now;  // its lists are in what follows
  double seconds = 0;
  double calls_local = 0, calls_to_peers = 0, calls_from_peers = 0, failed_calls = 0;
  double payload_bytes = 0, requests = 0;
  std::vector<Context> contexts;
  std::vector<Link> links;
  std::vector<Process> processes;  // the busiest first
};

// Counters that are lower than before have begun anew.
[[nodiscard]] TopPage page_of(const TopLook& before, TopLook now);

[[nodiscard]] nlohmann::json to_json(const TopPage& page);

struct PageSize {
  std::size_t rows = 0;  // 0: as many as there are
  std::size_t columns = 0;
};
// Lines of text, none longer than the page is wide, no more than it is high.
[[nodiscard]] std::vector<std::string> to_lines(const TopPage& page, const PageSize& size);

}  // namespace netbinder::tools
