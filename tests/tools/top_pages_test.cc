// SPDX-License-Identifier: Apache-2.0
//
// The pages of `netbinder top` of several hosts, and answers that make none.
#include "tools/top/top_pages.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace netbinder::tools {
namespace {

using nlohmann::json;

json status() {
  return json::parse(R"({"host":"beta","cluster":"c","version":"1","hosts_connected":2,
    "hosts_configured":3,"counts":{"transactions":1},
    "statistics":{"calls_local":10,"calls_to_peers":2,"calls_from_peers":3,"failed_calls":0,
                  "payload_bytes_copied":4096,"requests":20},
    "contexts":[{"name":"binder","manager":"built-in"}],
    "links":[{"host":"alpha","transport":"tcp","state":"established","bytes_sent":1,
              "bytes_received":2,"unacknowledged_bytes":0,"round_trip_us":50,"reconnects":0}]})");
}

json loads() {
  return json::parse(R"({"processes":[{"id":1,"pid":7,"uid":0,"context":"binder",
    "program":"hello_server","threads":1,"waiting_threads":1,"outstanding":0,"arena_bytes":100,
    "arena_used_bytes":0,"calls_made":5,"calls_handled":6}]})");
}

TEST(TopLook, IsReadFromAnAgentsAnswers) {
  const TopLook look = look_of(status(), loads());
  EXPECT_EQ(look.host, "beta");
  EXPECT_EQ(look.calls_local, 10U);
  ASSERT_EQ(look.processes.size(), 1U);
  EXPECT_EQ(look.processes.at(1).program, "hello_server");
  EXPECT_EQ(look.links.at(0).round_trip_us, 50U);
}

TEST(TopLook, AnOlderAgentTellsNoNames) {
  json unnamed = loads();
  unnamed["processes"][0].erase("program");
  EXPECT_EQ(look_of(status(), unnamed).processes.at(1).program, "");
}

// Each member of the answers in turn is missing, or is what it cannot be.
TEST(TopLook, WhateverIsMissingOrWrongIsTold) {
  const auto expect_refused = [](const json& bad_status, const json& bad_loads) {
    EXPECT_THROW((void)look_of(bad_status, bad_loads), std::runtime_error)
        << bad_status << bad_loads;
  };
  const json good_status = status();
  for (const auto& [name, value] : good_status.items()) {
    json bad = good_status;
    bad.erase(name);
    expect_refused(bad, loads());
    bad[name] = nullptr;
    expect_refused(bad, loads());
  }
  const json good = loads();
  for (const auto& [name, value] : good["processes"][0].items()) {
    for (const json& wrong : {json(-1e300), json(json::array()), json(nullptr)}) {
      json bad = good;
      bad["processes"][0][name] = wrong;
      expect_refused(status(), bad);
    }
  }
  expect_refused(json::array(), loads());
  expect_refused(status(), json{{"processes", 7}});
  expect_refused(status(), json{{"processes", {7}}});
}

TEST(TopLook, TextsOfOtherHostsDoNothingToATerminal) {
  json bad = loads();
  bad["processes"][0]["program"] = "\x1b[31mred";
  EXPECT_EQ(look_of(status(), bad).processes.at(1).program, "?[31mred");
}

std::vector<HostPage> two_pages() {
  const TopLook look = look_of(status(), loads());
  std::vector<HostPage> pages;
  pages.push_back({.host = "beta", .page = page_of(look, look)});
  pages.push_back({.host = "gamma", .page = std::unexpected("it is not connected\x1b")});
  return pages;
}

TEST(TopPages, AreOneBelowTheOther) {
  const auto lines = to_lines(two_pages(), {});
  EXPECT_TRUE(lines.front().starts_with("netbinder top: host beta of cluster c"));
  EXPECT_EQ(lines.back(), "netbinder top: host gamma: it is not connected?");
  EXPECT_EQ(lines[lines.size() - 2], "");
}

TEST(TopPages, ShareTheTerminal) {
  auto pages = two_pages();
  pages[1] = pages[0];
  for (const std::size_t rows : {1U, 2U, 3U, 11U, 24U}) {
    const auto lines = to_lines(pages, {.rows = rows, .columns = 20});
    EXPECT_LE(lines.size(), rows);
    for (const std::string& line : lines) EXPECT_LE(line.size(), 20U);
  }
  const auto lines = to_lines(pages, {.rows = 11, .columns = 80});
  ASSERT_EQ(lines.size(), 11U);
  EXPECT_TRUE(lines[6].starts_with("netbinder top: host beta")) << "each has five of them";
}

TEST(TopPages, AsJsonHaveTheirHostsNamesIfAllWereAskedFor) {
  const auto pages = two_pages();
  const json all = to_json(pages, {.host = {}, .all = true});
  EXPECT_EQ(all["beta"]["host"], "beta");
  EXPECT_EQ(all["gamma"], (json{{"error", "it is not connected?"}}));
  EXPECT_EQ(to_json({pages[0]}, {.host = "beta", .all = false})["host"], "beta");
}

}  // namespace
}  // namespace netbinder::tools
