// SPDX-License-Identifier: Apache-2.0
#include "node-agent/metric_text.h"

#include <gtest/gtest.h>

#include <array>

namespace netbinder {
namespace {

TEST(MetricText, HasHelpTypeAndSamples) {
  MetricText text;
  text.metric("calls_total", MetricText::Type::kCounter, "Calls.");
  text.sample({{"context", "binder"}, {"kind", "call"}}, std::uint64_t{18446744073709551615U});
  text.sample({}, std::uint64_t{0});
  text.metric("age_seconds", MetricText::Type::kGauge, "Age.");
  text.sample({}, 0.25);
  EXPECT_EQ(text.samples(), 3U);
  EXPECT_EQ(text.take(),
            "# HELP calls_total Calls.\n"
            "# TYPE calls_total counter\n"
            "calls_total{context=\"binder\",kind=\"call\"} 18446744073709551615\n"
            "calls_total 0\n"
            "# HELP age_seconds Age.\n"
            "# TYPE age_seconds gauge\n"
            "age_seconds 0.25\n");
}

TEST(MetricText, EscapesWhatStrangersMayHaveNamed) {
  MetricText text;
  text.metric("m", MetricText::Type::kGauge, "back\\slash, \"quotes\"\nand a line");
  text.sample({{"a", "x\\y\"z\nw"}, {"b", "\xff\xc3\xa9\xed\xa0\x80"}}, std::uint64_t{1});
  EXPECT_EQ(text.take(),
            "# HELP m back\\\\slash, \"quotes\"\\nand a line\n"
            "# TYPE m gauge\n"
            "m{a=\"x\\\\y\\\"z\\nw\",b=\"\uFFFD\u00E9\uFFFD\uFFFD\uFFFD\"} 1\n");
}

TEST(MetricText, AHistogramCountsUpwards) {
  MetricText text;
  text.metric("turn_seconds", MetricText::Type::kHistogram, "Turns.");
  constexpr std::array<std::uint64_t, 2> kBounds = {1'000'000, 2'500'000'000};
  constexpr std::array<std::uint64_t, 3> kCounts = {5, 0, 2};
  text.histogram({{"host", "a"}}, kBounds, kCounts, 7'000'000'000);
  EXPECT_EQ(text.take(),
            "# HELP turn_seconds Turns.\n"
            "# TYPE turn_seconds histogram\n"
            "turn_seconds_bucket{host=\"a\",le=\"0.001\"} 5\n"
            "turn_seconds_bucket{host=\"a\",le=\"2.5\"} 5\n"
            "turn_seconds_bucket{host=\"a\",le=\"+Inf\"} 7\n"
            "turn_seconds_sum{host=\"a\"} 7\n"
            "turn_seconds_count{host=\"a\"} 7\n");
}

}  // namespace
}  // namespace netbinder
