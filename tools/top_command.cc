// SPDX-License-Identifier: Apache-2.0
//
// netbinder top: what an agent's programs do at the moment.
#include <fmt/core.h>
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <utility>

#include "tools/commands.h"
#include "tools/live_terminal.h"
#include "tools/top_sample.h"

namespace netbinder::tools {

namespace {

void print(const TopPage& page, bool json) {
  if (json) {
    fmt::print("{}\n", to_json(page).dump());
  } else {
    for (const std::string& line : to_lines(page, {})) fmt::print("{}\n", line);
  }
  std::fflush(stdout);
}

// For files, pipes and other programs: one page behind the other.
int print_pages(const TopOptions& options) {
  TopLook before = take_look(options.socket, options.timeout_s);
  for (bool first = true;; first = false) {
    std::this_thread::sleep_for(std::chrono::duration<double>(options.interval_s));
    TopLook now = take_look(options.socket, options.timeout_s);
    if (!first && !options.json) fmt::print("\n");
    print(page_of(before, now), options.json);
    if (options.once) return 0;
    before = std::move(now);
  }
}

int show_live(const TopOptions& options) {
  constexpr double kFirstLook = 0.2;  // so that there is something to be seen
  TopLook before = take_look(options.socket, options.timeout_s);
  LiveTerminal terminal;
  std::optional<TopPage> page;
  for (;;) {
    switch (terminal.wait(page ? options.interval_s : kFirstLook)) {
      case LiveTerminal::Woken::kToEnd:
        // As a shell has it for a program that a signal has ended; ctrl-C and q are how one leaves.
        return terminal.signal() == 0 || terminal.signal() == SIGINT ? 0 : 128 + terminal.signal();
      case LiveTerminal::Woken::kResized:
        if (page) terminal.show(to_lines(*page, LiveTerminal::size()));
        break;
      case LiveTerminal::Woken::kTime: {
        TopLook now = take_look(options.socket, options.timeout_s);
        page = page_of(before, now);
        before = std::move(now);
        terminal.show(to_lines(*page, LiveTerminal::size()));
        break;
      }
    }
  }
}

}  // namespace

int carry_out(const TopOptions& options, char** /*argv*/) {
  const bool live = !options.once && !options.json && LiveTerminal::is_there();
  return live ? show_live(options) : print_pages(options);
}

}  // namespace netbinder::tools
