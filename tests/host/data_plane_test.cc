// SPDX-License-Identifier: Apache-2.0
#include "host/data_plane.h"

#include <gtest/gtest.h>

#include <thread>

namespace netbinder {
namespace {

std::uint64_t now_ns = 0;

std::uint64_t injected_ns() { return now_ns; }

TEST(DataPlane, AnyThreadWhileNobodyHasClaimedIt) {
  EXPECT_TRUE(on_data_plane());
  std::thread([] { EXPECT_TRUE(on_data_plane()); }).join();
}

TEST(DataPlane, OneThreadWhileItIsClaimed) {
  {
    DataPlane plane(&injected_ns);
    EXPECT_TRUE(on_data_plane());
    std::thread([] { EXPECT_FALSE(on_data_plane()); }).join();
  }
  std::thread([] { EXPECT_TRUE(on_data_plane()); }).join();
}

TEST(DataPlane, TheWrongThreadEndsTheProgram) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(
      {
        DataPlane plane(&injected_ns);
        std::thread([] { NB_ON_DATA_PLANE(); }).join();
      },
      "broken invariant");
}

TEST(DataPlane, KnowsWhenTheFirstEntryAfterASleepWas) {
  DataPlane plane(&injected_ns);
  now_ns = 100;
  plane.sleeps();
  now_ns = 200;
  EXPECT_TRUE(on_data_plane());
  now_ns = 300;
  EXPECT_TRUE(on_data_plane());
  EXPECT_EQ(plane.woke(), 200U);
  EXPECT_TRUE(on_data_plane());

  plane.sleeps();
  EXPECT_EQ(plane.woke(), std::nullopt);
}

}  // namespace
}  // namespace netbinder
