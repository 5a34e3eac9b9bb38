// SPDX-License-Identifier: Apache-2.0
#include "node-agent/late_turns.h"

#include <gtest/gtest.h>

namespace netbinder {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kStart = 5'000'000'000;

TEST(LateTurns, AShortTurnIsNotReported) {
  LateTurns turns;
  EXPECT_FALSE(turns.turn_ended(kStart, kStart + LateTurns::kLateNs - 1, {}));
  EXPECT_EQ(turns.late(), 0U);
}

TEST(LateTurns, AllTurnsAreCountedByHowLongTheyTook) {
  LateTurns turns;
  (void)turns.turn_ended(kStart, kStart + TurnTimes::kBoundsNs[0], {});
  (void)turns.turn_ended(kStart, kStart + TurnTimes::kBoundsNs[0] + 1, {});
  (void)turns.turn_ended(kStart, kStart + 3'000 * kMs, {});
  const TurnTimes& times = turns.times();
  EXPECT_EQ(times.counts.front(), 1U);
  EXPECT_EQ(times.counts[1], 1U);
  EXPECT_EQ(times.counts.back(), 1U);
  EXPECT_EQ(times.total_ns, 2 * TurnTimes::kBoundsNs[0] + 1 + 3'000 * kMs);
}

TEST(LateTurns, ALateOneTellsWhatItAloneDid) {
  LateTurns turns;
  EXPECT_FALSE(turns.turn_ended(kStart, kStart + kMs, {.hellos = 1, .requests = 100}));
  const auto late = turns.turn_ended(kStart + kMs, kStart + 13 * kMs,
                                     {.hellos = 1,
                                      .requests = 107,
                                      .request_bytes = 4096,
                                      .messages_received = 3,
                                      .messages_sent = 2,
                                      .payload_bytes = 70000});
  ASSERT_TRUE(late);
  EXPECT_EQ(late->took_ns, 12 * kMs);
  EXPECT_EQ(late->work, (TurnWork{.hellos = 0,
                                  .requests = 7,
                                  .request_bytes = 4096,
                                  .messages_received = 3,
                                  .messages_sent = 2,
                                  .payload_bytes = 70000}));
  EXPECT_EQ(late->text(),
            "a turn of the data plane took 12.000 ms: 0 hellos, 7 requests with 4096 bytes, 3 "
            "messages received, 2 sent, 70000 bytes of payloads");
}

TEST(LateTurns, OneReportASecondWithTheNumberOfTheOthers) {
  LateTurns turns;
  std::uint64_t now = kStart;
  const auto late_turn = [&] {
    now += 20 * kMs;
    return turns.turn_ended(now - 20 * kMs, now, {});
  };
  ASSERT_TRUE(late_turn());
  for (int i = 0; i < 49; ++i) EXPECT_FALSE(late_turn()) << i;
  const auto next = late_turn();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->suppressed, 49U);
  EXPECT_NE(next->text().find("49 more were not reported"), std::string::npos);
  EXPECT_FALSE(late_turn());
  now += 10 * LateTurns::kIntervalNs;
  const auto last = late_turn();
  ASSERT_TRUE(last);
  EXPECT_EQ(last->suppressed, 1U);
  EXPECT_EQ(turns.late(), 53U);
}

TEST(LateTurns, OneThatDidNothingItKnowsOfSaysSo) {
  LateTurns turns;
  const auto late = turns.turn_ended(kStart, kStart + 11 * kMs, {});
  ASSERT_TRUE(late);
  EXPECT_NE(late->text().find("the admin socket"), std::string::npos);
}

}  // namespace
}  // namespace netbinder
