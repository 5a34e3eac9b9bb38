// SPDX-License-Identifier: Apache-2.0
//
// The tools read answers of another host's agent. The input is JSON: recorded calls or, with the
// members "status" and "loads", a look for top. It is refused in words, or
// everything in it can be used: texts that do nothing to a terminal, entries that could have been
// written.
#include <algorithm>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

#include "core/base/check.h"
#include "node-agent/recorded_answer.h"
#include "tests/fuzz/seeds.h"
#include "tools/calls/call_record.h"
#include "tools/calls/far_answer.h"
#include "tools/top/top_sample.h"

namespace netbinder::fuzz {
namespace {

using nlohmann::json;

void check_text(std::string_view text) {
  NB_CHECK(std::ranges::none_of(
      text, [](char each) { return static_cast<unsigned char>(each) < ' ' || each == 0x7F; }));
}

void check_calls(const json& answer) {
  const tools::FarAnswer told = tools::far_answer_of(answer);
  NB_CHECK(!told.recording.empty() && told.lost <= told.next);
  NB_CHECK(told.entries.size() <= RecordedAnswer::kMostEntries);
  for (const call_ring::Entry& entry : told.entries) {
    NB_CHECK(tools::is_sound(entry) && entry.time_ns < tools::FarAnswer::kMostNs);
    tools::CallRecord call;
    call.add(entry);
    (void)call.duration_us();
  }
  check_text(told.boot);
  for (const auto& [number, text] : told.hosts) check_text(text);
  for (const auto& [number, text] : told.interfaces) check_text(text);
  for (const auto& [number, text] : told.programs) check_text(text);
  for (const auto& [number, text] : told.reasons) check_text(text);
}

void check_top(const json& answer) {
  if (!answer.is_object() || !answer.contains("status") || !answer.contains("loads")) return;
  const tools::TopLook look = tools::look_of(answer["status"], answer["loads"]);
  for (const auto& [id, process] : look.processes) check_text(process.program);
  for (const std::string& line : to_lines(page_of(look, look), {.rows = 50, .columns = 100})) {
    NB_CHECK(line.size() <= 100);
    check_text(line);
  }
}

template <typename Check>
void check_or_refuse(Check&& check, const json& answer) {
  try {
    check(answer);
  } catch (const std::runtime_error& error) {
    NB_CHECK(std::string_view(error.what()).starts_with("the agent"));
  }
}

std::string recorded() {
  const auto ring = std::make_unique<call_ring::Ring>();
  ring->header.host = 2;
  std::strcpy(ring->header.host_name, "beta");
  std::strcpy(ring->header.boot, "boot");
  ring->header.written = 3;
  for (std::uint64_t i = 0; i < ring->header.written; ++i) {
    call_ring::Entry& entry = ring->entries[i];
    entry = {.number = i + 1, .time_ns = 1000 + i, .trace = 5, .span = 5};
    entry.node = 7;
    entry.caller_pid = 50;
    entry.point = static_cast<std::uint8_t>(i);
  }
  ring->names[7] = {.version = 2, .node = 7, .text = "a.IThing"};
  ring->programs[50] = {.version = 2, .pid = 50, .text = "caller"};
  RecordedAnswer answer(*ring, "1.1", 0, {{2, "beta"}});
  NB_CHECK(answer.go_on(*ring));
  json made = json::parse(answer.line(*ring));
  made["agent_pid"] = 40;  // the seed is the same every time
  made["wall_ns"] = 7;
  return made.dump();
}

constexpr const char* kTop = R"({"loads":{"processes":[{"arena_bytes":100,"arena_used_bytes":0,)"
                             R"("calls_handled":6,"calls_made":5,"context":"binder","id":1,)"
                             R"("outstanding":0,"pid":7,"program":"hello","threads":1,"uid":0,)"
                             R"("waiting_threads":1}]},"status":{"cluster":"c","contexts":)"
                             R"([{"manager":"built-in","name":"binder"}],"counts":)"
                             R"({"transactions":1},"host":"beta","hosts_configured":3,)"
                             R"("hosts_connected":2,"links":[{"bytes_received":2,"bytes_sent":1,)"
                             R"("host":"alpha","reconnects":0,"round_trip_us":50,"state":)"
                             R"("established","transport":"tcp","unacknowledged_bytes":0}],)"
                             R"("statistics":{"calls_from_peers":3,"calls_local":10,)"
                             R"("calls_to_peers":2,"failed_calls":0,"payload_bytes_copied":4096,)"
                             R"("requests":20},"version":"1"}})";

}  // namespace

std::vector<Seed> make_seeds() {
  std::vector<Seed> seeds;
  Seed calls{.name = "calls", .bytes = {}};
  seeds.push_back(calls.text(recorded()));
  Seed top{.name = "top", .bytes = {}};
  seeds.push_back(top.text(kTop));
  return seeds;
}

}  // namespace netbinder::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace netbinder;
  const auto answer = nlohmann::json::parse(data, data + size, nullptr, false);
  if (answer.is_discarded()) return 0;
  fuzz::check_or_refuse(fuzz::check_calls, answer);
  fuzz::check_or_refuse(fuzz::check_top, answer);
  return 0;
}
