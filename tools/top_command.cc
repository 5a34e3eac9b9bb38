// SPDX-License-Identifier: Apache-2.0
//
// netbinder top: what the programs of an agent, or of several, do at the moment.
#include <fmt/core.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "tools/commands.h"
#include "tools/live_terminal.h"
#include "tools/top/top_pages.h"
#include "tools/top_hosts.h"

namespace netbinder::tools {

namespace {

// For files, pipes and other programs: one page behind the other. Status 1: a host was not to be
// seen in the last one.
int print_pages(const TopOptions& options) {
  TopHosts hosts(options.socket, options.hosts, options.timeout_s);
  (void)hosts.next();
  for (bool first = true;; first = false) {
    std::this_thread::sleep_for(std::chrono::duration<double>(options.interval_s));
    const std::vector<HostPage> pages = hosts.next();
    if (options.json) {
      fmt::print("{}\n", to_json(pages, options.hosts).dump());
    } else {
      if (!first) fmt::print("\n");
      for (const std::string& line : to_lines(pages, {})) fmt::print("{}\n", line);
    }
    std::fflush(stdout);
    const auto was_seen = [](const HostPage& each) { return each.page.has_value(); };
    if (options.once) return std::ranges::all_of(pages, was_seen) ? 0 : 1;
  }
}

int show_live(const TopOptions& options) {
  constexpr double kFirstLook = 0.2;  // so that there is something to be seen
  TopHosts hosts(options.socket, options.hosts, options.timeout_s);
  (void)hosts.next();
  LiveTerminal terminal;
  std::vector<HostPage> pages;
  for (;;) {
    switch (terminal.wait(pages.empty() ? kFirstLook : options.interval_s)) {
      case LiveTerminal::Woken::kToEnd:
        // As a shell has it for a program that a signal has ended; ctrl-C and q are how one leaves.
        return terminal.signal() == 0 || terminal.signal() == SIGINT ? 0 : 128 + terminal.signal();
      case LiveTerminal::Woken::kResized:
        if (!pages.empty()) terminal.show(to_lines(pages, LiveTerminal::size()));
        break;
      case LiveTerminal::Woken::kTime:
        pages = hosts.next();
        terminal.show(to_lines(pages, LiveTerminal::size()));
        break;
    }
  }
}

}  // namespace

int carry_out(const TopOptions& options, char** /*argv*/) {
  const bool live = !options.once && !options.json && LiveTerminal::is_there();
  return live ? show_live(options) : print_pages(options);
}

}  // namespace netbinder::tools
