// SPDX-License-Identifier: Apache-2.0
//
// A page of metrics is read, and its latencies are shown.
#include "tools/ui/latencies.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

namespace netbinder::tools {
namespace {

using std::chrono::seconds;

constexpr const char* kPage = R"(# HELP netbinder_call_seconds Calls.
# TYPE netbinder_call_seconds histogram
netbinder_call_seconds_bucket{context="binder",interface="a.\"I\"",way="local",le="0.1"} 10
netbinder_call_seconds_bucket{context="binder",interface="a.\"I\"",way="local",le="1"} 20
netbinder_call_seconds_bucket{context="binder",interface="a.\"I\"",way="local",le="+Inf"} 21
netbinder_call_seconds_sum{context="binder",interface="a.\"I\"",way="local"} 4.5
netbinder_call_seconds_count{context="binder",interface="a.\"I\"",way="local"} 21
# TYPE netbinder_call_handling_seconds histogram
netbinder_call_handling_seconds_bucket{context="binder",interface="b",le="0.1"} 3
netbinder_call_handling_seconds_bucket{context="binder",interface="b",le="+Inf"} 3
netbinder_processes{context="binder"} 7
)";

LatencyCounts counts(std::vector<std::uint64_t> made) {
  return {.bounds_s = {0.1, 1, INFINITY}, .counts = std::move(made)};
}

TEST(Latencies, AreReadByInterface) {
  const auto read = read_latencies(kPage);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 2U);
  const LatencyCounts& local = read->at({"binder", "a.\"I\"", "local"});
  EXPECT_EQ(local.counts, (std::vector<std::uint64_t>{10, 20, 21}));
  EXPECT_EQ(local.bounds_s.front(), 0.1);
  EXPECT_TRUE(std::isinf(local.bounds_s.back()));
  EXPECT_EQ(read->at({"binder", "b", "handling"}).all(), 3U);
}

TEST(Latencies, AreNothingWhereCallsAreNotTimed) {
  EXPECT_FALSE(read_latencies("netbinder_processes{context=\"binder\"} 7\n"));
  EXPECT_FALSE(read_latencies(""));
  const auto none_yet = read_latencies("# TYPE netbinder_call_seconds histogram\n");
  ASSERT_TRUE(none_yet);
  EXPECT_TRUE(none_yet->empty());
}

TEST(Latencies, LinesThatAreNoneAreLeftOut) {
  const auto read = read_latencies(
      "# TYPE netbinder_call_seconds histogram\n"
      "netbinder_call_seconds_bucket{interface=\"x\n"
      "netbinder_call_seconds_bucket{interface=\"x\"} 1\n"
      "netbinder_call_seconds_bucket{interface=\"x\",le=\"z\"} 1\n"
      "netbinder_call_seconds_bucket{interface=\"x\",le=\"1\"} -1\n"
      "netbinder_call_seconds_bucket{interface=\"x\",le=\"1\"");
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->empty());
}

TEST(Quantile, IsBetweenTwoBounds) {
  EXPECT_EQ(quantile_s(counts({0, 0, 0}), 0.5), std::nullopt);
  EXPECT_EQ(quantile_s({}, 0.5), std::nullopt);
  EXPECT_DOUBLE_EQ(*quantile_s(counts({10, 10, 10}), 0.5), 0.05);
  EXPECT_DOUBLE_EQ(*quantile_s(counts({10, 20, 20}), 0.75), 0.55);
  EXPECT_DOUBLE_EQ(*quantile_s(counts({0, 0, 20}), 0.5), 1) << "nobody knows how long they took";
  EXPECT_DOUBLE_EQ(*quantile_s(counts({0, 20, 20}), 1), 1);
}

TEST(LatencyWindow, ShowsWhatHasHappenedInIt) {
  const LatencyKey a{"binder", "a", "local"};
  const LatencyKey b{"binder", "b", "local"};
  const LatencyWindow::Time start{};
  LatencyWindow window;
  EXPECT_TRUE(window.to_json().empty());
  window.add(start, {{a, counts({100, 100, 100})}});
  EXPECT_EQ(window.to_json()[0]["calls"], 100) << "all there were, at first";
  window.add(start + seconds(1), {{a, counts({100, 102, 102})}, {b, counts({5, 5, 5})}});
  ASSERT_EQ(window.to_json().size(), 2U);
  EXPECT_EQ(window.to_json()[0]["interface"], "b") << "the most calls first";
  EXPECT_EQ(window.to_json()[1]["calls"], 2);
  EXPECT_DOUBLE_EQ(window.to_json()[1]["p50_s"], 0.55);
  // Calls of a minute ago and before do not count any more.
  window.add(start + seconds(62), {{a, counts({100, 103, 103})}, {b, counts({5, 5, 5})}});
  ASSERT_EQ(window.to_json().size(), 1U);
  EXPECT_EQ(window.to_json()[0]["interface"], "a");
  EXPECT_EQ(window.to_json()[0]["calls"], 1);
  // The agent has begun anew.
  window.add(start + seconds(63), {{a, counts({4, 4, 4})}});
  EXPECT_EQ(window.to_json()[0]["calls"], 4);
}

}  // namespace
}  // namespace netbinder::tools
