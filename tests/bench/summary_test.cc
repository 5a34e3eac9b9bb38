// SPDX-License-Identifier: Apache-2.0
#include "bench/driver/summary.h"

#include <gtest/gtest.h>

namespace netbinder::bench {
namespace {

const Point kPoint{.mode = Mode::kTcp, .bytes = 64};

TurnResult turn(double p50_us, double others_percent = 0, double calls = 5000) {
  return {.peer = "socket",
          .point = kPoint,
          .calls = calls,
          .p50_us = p50_us,
          .p99_us = 2 * p50_us,
          .p999_us = 3 * p50_us,
          .calls_per_s = 1e6 / p50_us,
          .cpu_us_per_call = p50_us,
          .quantiles = {{0.5, p50_us}, {0.99, 2 * p50_us}},
          .others_percent = others_percent};
}

std::vector<Summary> summarised(const std::vector<TurnResult>& turns) {
  return summarise(turns, {{.name = "socket", .what = "", .modes = {}, .program = ""}}, {kPoint});
}

TEST(Summary, FiguresAreMediansWithTheirSpread) {
  const auto rows = summarised({turn(10), turn(30), turn(12), turn(8)});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_DOUBLE_EQ(rows[0].p50_us, 11);
  EXPECT_DOUBLE_EQ(rows[0].p99_us, 22);
  EXPECT_DOUBLE_EQ(rows[0].least_p50_us, 8);
  EXPECT_DOUBLE_EQ(rows[0].most_p50_us, 30);
  EXPECT_DOUBLE_EQ(rows[0].spread_percent(), 200);
  EXPECT_EQ(rows[0].quantiles[1], (std::pair<double, double>{0.99, 22}));
  EXPECT_TRUE(rows[0].has_p999);
  EXPECT_EQ(rows[0].counted, 4U);
}

TEST(Summary, DisturbedTurnsAreThrownOut) {
  TurnResult stolen = turn(50);
  stolen.stolen_percent = 3;
  const auto rows = summarised({turn(10), turn(99, 11), turn(12, 9), turn(11), stolen});
  EXPECT_DOUBLE_EQ(rows[0].p50_us, 11);
  EXPECT_DOUBLE_EQ(rows[0].most_p50_us, 12);
  EXPECT_EQ(rows[0].counted, 3U);
  EXPECT_EQ(rows[0].turns, 5U);
  EXPECT_FALSE(rows[0].disturbed);
}

TEST(Summary, IfMostAreDisturbedAllCountAndThatIsSaid) {
  const auto rows = summarised({turn(10), turn(20, 50), turn(30, 50)});
  EXPECT_DOUBLE_EQ(rows[0].p50_us, 20);
  EXPECT_EQ(rows[0].counted, 3U);
  EXPECT_TRUE(rows[0].disturbed);
}

TEST(Summary, FewCallsSayNothingOfTheLastThousandth) {
  EXPECT_FALSE(summarised({turn(10, 0, 999)})[0].has_p999);
}

TEST(Summary, AFailureIsARowOnlyIfNothingElseIs) {
  TurnResult failed{.peer = "socket", .point = kPoint};
  failed.error = "it broke";
  EXPECT_EQ(summarised({failed})[0].error, "it broke");
  const auto rows = summarised({turn(10), failed});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].error, "");
  EXPECT_TRUE(summarised({}).empty());
}

TEST(Summary, IsFoundByPeerAndPoint) {
  const auto rows = summarised({turn(10)});
  EXPECT_EQ(find(rows, "socket", kPoint), &rows[0]);
  EXPECT_EQ(find(rows, "socket", {.mode = Mode::kLocal}), nullptr);
  EXPECT_EQ(find(rows, "other", kPoint), nullptr);
}

}  // namespace
}  // namespace netbinder::bench
