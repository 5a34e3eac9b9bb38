// SPDX-License-Identifier: Apache-2.0
#include "bench/peers/latencies.h"

#include <gtest/gtest.h>

#include <memory>

namespace netbinder::bench {
namespace {

TEST(Latencies, QuantilesAreExactToAHalfPerCent) {
  const auto latencies = std::make_unique<Latencies>();
  for (std::uint64_t us = 1; us <= 10'000; ++us) latencies->add(us * 1000);
  EXPECT_EQ(latencies->calls(), 10'000U);
  EXPECT_NEAR(latencies->quantile_us(0), 1, 0.005);
  EXPECT_NEAR(latencies->quantile_us(0.5), 5001, 25);
  EXPECT_NEAR(latencies->quantile_us(0.99), 9901, 50);
  EXPECT_NEAR(latencies->quantile_us(0.999), 9991, 50);
  EXPECT_DOUBLE_EQ(latencies->quantile_us(1), 10'000);
  EXPECT_DOUBLE_EQ(latencies->mean_us(), 5000.5);
}

TEST(Latencies, SmallAndHugeTimesHaveAPlace) {
  const auto latencies = std::make_unique<Latencies>();
  latencies->add(0);
  latencies->add(255);
  latencies->add(256);
  latencies->add(~std::uint64_t{0});
  EXPECT_DOUBLE_EQ(latencies->quantile_us(0), 0);
  EXPECT_DOUBLE_EQ(latencies->quantile_us(0.25), 0.255);
  EXPECT_NEAR(latencies->quantile_us(0.5), 0.256, 0.001);
  EXPECT_GT(latencies->quantile_us(0.75), 1e9);
}

TEST(Latencies, ThoseOfAllClientsAreAddedUp) {
  const auto sum = std::make_unique<Latencies>();
  const auto one = std::make_unique<Latencies>();
  const auto other = std::make_unique<Latencies>();
  for (int i = 0; i < 3; ++i) one->add(1000);
  other->add(9000);
  sum->add(*one);
  sum->add(*other);
  EXPECT_EQ(sum->calls(), 4U);
  EXPECT_NEAR(sum->quantile_us(0.5), 1, 0.01);
  EXPECT_NEAR(sum->quantile_us(0.75), 9, 0.05);
  EXPECT_DOUBLE_EQ(sum->mean_us(), 3);
}

}  // namespace
}  // namespace netbinder::bench
