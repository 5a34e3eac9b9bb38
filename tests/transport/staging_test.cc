// SPDX-License-Identifier: Apache-2.0
#include "transport/rdma/staging.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace netbinder::rdma {
namespace {

constexpr std::size_t kBytes = 1U << 20;

TEST(Staging, PayloadsLieApartInItsMemoryAndAligned) {
  const auto staging = std::make_shared<Staging>(kBytes);
  std::vector<Payload> payloads;
  while (auto payload = staging->allocate(10'000)) payloads.push_back(*std::move(payload));
  EXPECT_GT(payloads.size(), kBytes / 10'000 * 9 / 10);
  std::ranges::sort(payloads, {}, &Payload::data);
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    EXPECT_TRUE(staging->holds(payloads[i].bytes()));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(payloads[i].data()) % 64, 0U);
    EXPECT_EQ(payloads[i].size(), 10'000U);
    if (i > 0) {
      EXPECT_GE(payloads[i].data(), payloads[i - 1].data() + 10'000);
    }
  }
}

TEST(Staging, WhatIsLetGoCanBeHadAgainAndCopiesShareIt) {
  const auto staging = std::make_shared<Staging>(kBytes);
  auto all = staging->allocate(kBytes * 3 / 4);
  ASSERT_TRUE(all);
  EXPECT_FALSE(staging->allocate(kBytes / 2));
  Payload copy = *all;
  all.reset();
  EXPECT_FALSE(staging->allocate(kBytes / 2)) << "somebody has it still";
  copy = {};
  EXPECT_TRUE(staging->allocate(kBytes / 2));
}

TEST(Staging, APayloadKeepsTheMemory) {
  auto staging = std::make_shared<Staging>(kBytes);
  const std::weak_ptr<Staging> watched = staging;
  auto payload = staging->allocate(5000);
  ASSERT_TRUE(payload);
  staging.reset();
  std::ranges::fill(payload->bytes(), std::byte{1});
  EXPECT_FALSE(watched.expired());
  payload.reset();
  EXPECT_TRUE(watched.expired());
}

TEST(Staging, OtherMemoryIsNotItsOwn) {
  const auto staging = std::make_shared<Staging>(kBytes);
  const Payload other = Payload::allocate(64);
  EXPECT_FALSE(staging->holds(other.bytes()));
  EXPECT_FALSE(staging->holds({}));
}

}  // namespace
}  // namespace netbinder::rdma
