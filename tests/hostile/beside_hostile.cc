// SPDX-License-Identifier: Apache-2.0
//
// How long a polite pair's calls of 64 bytes take while programs of another user try to make the
// agent wait. Meant to be run by hand, as root:
//
//   build/release/bin/beside_hostile [SECONDS [NAME]]
//
// prints a row for each program: p50, p99 and the longest in µs, and the number of calls; with
// NETBINDER_SHOW_LOG=1, also the agent's log. A test only sees that it works.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "tests/hostile/other_user.h"
#include "tests/hostile/stalling_programs.h"

namespace netbinder::testing {
namespace {

void print(const char* what, PoliteTimes times) {
  std::sort(times.all_ns.begin(), times.all_ns.end());
  const auto us = [&](double share) {
    const auto at = static_cast<std::size_t>(share * static_cast<double>(times.all_ns.size() - 1));
    return static_cast<double>(times.all_ns[at]) / 1000;
  };
  std::printf("| %s | %.0f | %.0f | %.0f | %zu |\n", what, us(0.5), us(0.99), us(1),
              times.all_ns.size());
  std::fflush(stdout);
}

void run(const std::string& only, std::chrono::milliseconds length) {
  const auto measure = [&](const std::string& socket) {
    (void)call_politely(socket, 200);  // it is warm then
    const auto end = std::chrono::steady_clock::now() + length;
    return call_politely(socket, 1, [&] { return std::chrono::steady_clock::now() >= end; });
  };
  std::printf("| beside | p50 | p99 | longest | calls |\n|---|---|---|---|---|\n");
  if (only.empty() || only == "nobody") {
    const AgentProcess agent;
    print("nobody", measure(agent.socket()));
  }
  for (const StallingProgram& program : stalling_programs()) {
    if (!only.empty() && only != program.name) continue;
    const AgentProcess agent;
    open_to_everybody(agent);
    std::vector<std::unique_ptr<Signal>> ready;
    std::vector<std::unique_ptr<OtherUser>> users;
    for (int i = 0; i < program.processes; ++i) {
      ready.push_back(std::make_unique<Signal>());
      users.push_back(std::make_unique<OtherUser>([&] {
        return program.act(agent.socket(), [&] { ready.back()->raise(); });
      }));
    }
    for (const auto& each : ready) each->wait();
    print(program.what, measure(agent.socket()));
    if (std::getenv("NETBINDER_SHOW_LOG") != nullptr) std::puts(agent.folder().read("log").c_str());
  }
}

}  // namespace
}  // namespace netbinder::testing

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const double seconds = argc > 1 ? std::strtod(argv[1], nullptr) : 5;
  netbinder::testing::run(argc > 2 ? argv[2] : "",
                          std::chrono::milliseconds(static_cast<long>(seconds * 1000)));
  return ::testing::UnitTest::GetInstance()->ad_hoc_test_result().Failed() ? 1 : 0;
}
