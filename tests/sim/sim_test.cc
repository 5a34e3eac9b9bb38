// SPDX-License-Identifier: Apache-2.0
//
// Tests of the simulation itself: a seed always gives the same run, wrongs that are done on purpose
// are found, and a program may be killed at any moment.
#include <gtest/gtest.h>

#include <set>

#include "tests/sim/world.h"

namespace netbinder::sim {
namespace {

TEST(Simulation, ASeedIsARun) {
  std::set<std::uint64_t> traces;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    std::uint64_t first = 0;
    for (int i = 0; i < 2; ++i) {
      World world(Settings::of_seed(seed));
      EXPECT_TRUE(world.run()) << "seed " << seed << ": " << world.oracle().failure();
      if (i == 0) first = world.trace_hash();
      EXPECT_EQ(world.trace_hash(), first) << "seed " << seed;
    }
    traces.insert(first);
  }
  EXPECT_EQ(traces.size(), 60U);
}

TEST(Simulation, TheSeedsSeeEverything) {
  Statistics sum;
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    World world(Settings::of_seed(seed));
    ASSERT_TRUE(world.run()) << "seed " << seed << ": " << world.oracle().failure();
    const Statistics& each = world.oracle().statistics;
    sum.replies += each.replies;
    sum.dead += each.dead;
    sum.failed += each.failed;
    sum.nested += each.nested;
    sum.posted_reads += each.posted_reads;
    sum.oneways_delivered += each.oneways_delivered;
    sum.deaths_told += each.deaths_told;
    sum.crashes += each.crashes;
    sum.lies += each.lies;
    sum.rolls += each.rolls;
    sum.sessions_lost += each.sessions_lost;
    sum.breaks += each.breaks;
    sum.cuts += each.cuts;
    sum.names += each.names;
    sum.releases += each.releases;
    sum.leases += each.leases;
    sum.leases_ahead += each.leases_ahead;
    sum.leases_refused += each.leases_refused;
    sum.leases_used += each.leases_used;
    sum.leases_returned += each.leases_returned;
    sum.leases_lost += each.leases_lost;
    sum.files_installed += each.files_installed;
    sum.installs_failed += each.installs_failed;
    sum.large_arrays += each.large_arrays;
    sum.bad_files += each.bad_files;
    sum.weak_objects += each.weak_objects;
    sum.scattered += each.scattered;
    sum.callbacks += each.callbacks;
    sum.left += each.left;
    sum.stayed += each.stayed;
  }
  EXPECT_GT(sum.replies, 2000U);
  EXPECT_GT(sum.dead, 300U);
  EXPECT_GT(sum.failed, 20U);  // arenas are full
  EXPECT_GT(sum.nested, 200U);
  EXPECT_GT(sum.posted_reads, 200U);
  EXPECT_GT(sum.oneways_delivered, 1500U);
  EXPECT_GT(sum.deaths_told, 100U);
  EXPECT_GT(sum.crashes, 5U);
  EXPECT_GT(sum.lies, 100U);
  EXPECT_GT(sum.rolls, 50U);
  EXPECT_GT(sum.sessions_lost, 50U);
  EXPECT_GT(sum.breaks, 50U);
  EXPECT_GT(sum.cuts, 30U);
  EXPECT_GT(sum.names, 300U);
  EXPECT_GT(sum.releases, 1000U);
  EXPECT_GT(sum.leases, 200U);
  EXPECT_GT(sum.leases_ahead, 50U);
  EXPECT_GT(sum.leases_refused, 10U);
  EXPECT_GT(sum.leases_used, 200U);
  EXPECT_GT(sum.leases_returned, 50U);
  EXPECT_GT(sum.leases_lost, 5U);
  EXPECT_GT(sum.files_installed, 2000U);
  EXPECT_GT(sum.installs_failed, 50U);
  EXPECT_GT(sum.large_arrays, 30U);
  EXPECT_GT(sum.bad_files, 100U);
  EXPECT_GT(sum.weak_objects, 2000U);
  EXPECT_GT(sum.scattered, 1000U);
  EXPECT_GT(sum.callbacks, 30U);  // of lazy services
  EXPECT_GT(sum.left, 20U);
  EXPECT_GT(sum.stayed, 0U);
}

// Nobody loses anybody, so there is never a second manager, and none is deposed.
TEST(Simulation, ListsOfHostsAreRolledWhileProgramsClaim) {
  std::uint64_t rolls = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Settings settings = Settings::of_seed(seed, 2 + static_cast<std::uint32_t>(seed % 4));
    settings.weather = settings.crashes = settings.builtin = settings.lazy = false;
    settings.liar = HostId{};
    settings.older = 0;
    settings.rolls = true;
    World world(settings);
    EXPECT_TRUE(world.run()) << "seed " << seed << ": " << world.oracle().failure();
    rolls += world.oracle().statistics.rolls;
  }
  EXPECT_GT(rolls, 200U);
}

struct Wrong {
  const char* name;
  Sabotage what;
  std::size_t message;
  bool kills;
  bool sure;  // it cannot be without consequence
};
void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.name; }

template <typename T>
std::size_t index_of() {
  return PeerMessage(T{}).index();
}

class Sabotaged : public ::testing::TestWithParam<Wrong> {};

// In good weather nothing excuses a finding. Some wrongs may have no consequence: for example the
// report that was lost concerned something already let go of.
TEST_P(Sabotaged, IsFound) {
  int done = 0;
  int found = 0;
  // Wrongs that may have no consequence are found only by some of the seeds, so more are run.
  const std::uint64_t seeds = GetParam().sure ? 50 : 200;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    Settings settings = Settings::of_seed(seed, 3);
    settings.weather = settings.crashes = false;
    settings.liar = HostId{};
    settings.rolls = false;
    settings.kills = GetParam().kills;
    settings.storm_ms = 1500;
    settings.check_every = 1;
    settings.sabotage = GetParam().what;
    settings.sabotaged_message = GetParam().message;
    World world(settings);
    const bool fine = world.run();
    if (world.oracle().statistics.sabotaged == 0) {
      EXPECT_TRUE(fine) << "seed " << seed << ": " << world.oracle().failure();
      continue;
    }
    ++done;
    if (!fine) {
      ++found;
    } else if (GetParam().sure) {
      ADD_FAILURE() << "not found with seed " << seed;
    }
  }
  EXPECT_GE(done, 5);
  EXPECT_GE(2 * found, done);
  RecordProperty("done", done);
  RecordProperty("found", found);
}

INSTANTIATE_TEST_SUITE_P(
    OnPurpose, Sabotaged,
    ::testing::Values(
        Wrong{"ACallDropped", Sabotage::kDropMessage, index_of<peer::Call>(), false, true},
        Wrong{"AReplyDropped", Sabotage::kDropMessage, index_of<peer::Reply>(), false, true},
        Wrong{"AFailureDropped", Sabotage::kDropMessage, index_of<peer::CallFailed>(), true, false},
        Wrong{"AReleaseDropped", Sabotage::kDropMessage, index_of<peer::ReleaseRefs>(), false,
              true},
        Wrong{"ADeathDropped", Sabotage::kDropMessage, index_of<peer::NodeDied>(), true, false},
        Wrong{"AClaimDropped", Sabotage::kDropMessage, index_of<peer::ClaimRef>(), false, false},
        Wrong{"AClaimsResultDropped", Sabotage::kDropMessage, index_of<peer::ClaimResult>(), false,
              true},
        Wrong{"AnIntroductionDropped", Sabotage::kDropMessage, index_of<peer::Introduce>(), false,
              false},
        Wrong{"ACallTwice", Sabotage::kDuplicateMessage, index_of<peer::Call>(), false, false},
        Wrong{"AReplyTwice", Sabotage::kDuplicateMessage, index_of<peer::Reply>(), false, true},
        Wrong{"AClaimTwice", Sabotage::kDuplicateMessage, index_of<peer::ClaimRef>(), false, true},
        Wrong{"AClaimsResultTwice", Sabotage::kDuplicateMessage, index_of<peer::ClaimResult>(),
              false, true},
        Wrong{"ACallNotSent", Sabotage::kLoseEffect, index_of<peer::Call>(), false, true},
        Wrong{"AReleaseNotSent", Sabotage::kLoseEffect, index_of<peer::ReleaseRefs>(), false, true},
        Wrong{"AnIoctlNotEnded", Sabotage::kLoseIoctl, 0, false, true},
        Wrong{"ADeathNotTold", Sabotage::kLoseDeath, 0, true, false}),
    [](const auto& tested) { return std::string(tested.param.name); });

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kStride = 11;  // it takes twenty times as long
#else
constexpr std::uint64_t kStride = 1;
#endif

TEST(Simulation, AProgramMayBeKilledAtEveryStep) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    Settings settings = Settings::of_seed(seed, 3);
    settings.storm_ms = 120;
    settings.think_ms = 4;
    settings.weather = settings.kills = settings.crashes = false;
    settings.builtin = seed == 2;
    std::uint64_t events = 1;
    {
      World world(settings);
      ASSERT_TRUE(world.run()) << "seed " << seed << ": " << world.oracle().failure();
      events = world.clock().events();
    }
    for (std::uint64_t at = 1; at <= events; at += kStride) {
      settings.kill_at_event = at;
      World world(settings);
      ASSERT_TRUE(world.run()) << "seed " << seed << ", program 1 killed after event " << at << ": "
                               << world.oracle().failure();
    }
  }
}

}  // namespace
}  // namespace netbinder::sim
