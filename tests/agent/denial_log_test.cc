// SPDX-License-Identifier: Apache-2.0
//
// The log's lines about denials, and their rate.
#include "node-agent/denial_log.h"

#include <gtest/gtest.h>

namespace netbinder {
namespace {

Denial denial_of(std::uint32_t uid, HostId host = HostId{1}) {
  return {.action = "find",
          .object = "a\nb",
          .context = "binder",
          .host = host,
          .uid = uid,
          .pid = 42,
          .rule = 3};
}

TEST(DenialLog, SaysWhoWhatAndByWhichRule) {
  DenialLog log;
  EXPECT_EQ(log.line(denial_of(1000), "", 0),
            "policy denies uid 1000 (pid 42) to find \"a\\u000Ab\" in context binder: rule 3");
  Denial other{.action = "manage", .object = {}, .context = "binder", .host = HostId{2}, .uid = 0};
  EXPECT_EQ(
      log.line(other, "beta", 0),
      "policy denies uid 0 of host beta to manage in context binder: who asks with a oneway call "
      "is not known");
}

TEST(DenialLog, HasABurstThenOneASecondAndSaysWhatItLeftOut) {
  DenialLog log;
  for (std::uint32_t i = 0; i < DenialLog::kBurst; ++i) {
    EXPECT_TRUE(log.line(denial_of(1000), "", 5000));
  }
  EXPECT_FALSE(log.line(denial_of(1000), "", 5000));
  EXPECT_FALSE(log.line(denial_of(1000), "", 5999));
  EXPECT_TRUE(log.line(denial_of(1001), "", 5999)) << "another user's are not left out with them";
  EXPECT_TRUE(log.line(denial_of(1000, HostId{2}), "beta", 5999)) << "nor another host's";
  const auto line = log.line(denial_of(1000), "", 6000);
  ASSERT_TRUE(line);
  EXPECT_TRUE(line->ends_with("rule 3 (2 more were not logged)")) << *line;
  EXPECT_FALSE(log.line(denial_of(1000), "", 6000));
  EXPECT_TRUE(log.line(denial_of(1000), "", 60'000));
}

// A host may speak of as many users as it likes.
TEST(DenialLog, ManyUsersShareAnAccount) {
  DenialLog log;
  std::size_t lines = 0;
  for (std::uint32_t uid = 0; uid < 10'000; ++uid) {
    if (log.line(denial_of(uid), "", 1)) ++lines;
  }
  EXPECT_EQ(lines, DenialLog::kMaxUsers + DenialLog::kBurst);
  EXPECT_TRUE(log.line(denial_of(20'000), "", 10'000)) << "those who are quiet again make room";
}

}  // namespace
}  // namespace netbinder
