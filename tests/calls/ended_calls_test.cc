// SPDX-License-Identifier: Apache-2.0
//
// Calls that end, and the slowest of them.
#include "tools/calls/ended_calls.h"

#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <vector>

#include "tools/calls/slowest_calls.h"

namespace netbinder::tools {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

call_ring::Entry entry_of(std::uint64_t span, CallPoint point, std::uint64_t time_ns) {
  call_ring::Entry entry;
  entry.span = span;
  entry.point = static_cast<std::uint8_t>(point);
  entry.time_ns = time_ns;
  return entry;
}

TEST(EndedCalls, EachIsThereOnceWithWhatItTook) {
  EndedCalls calls(100);
  EXPECT_FALSE(calls.add(entry_of(1, CallPoint::kBegun, 1000)));
  EXPECT_FALSE(calls.add(entry_of(2, CallPoint::kBegun, 2000)));
  EXPECT_FALSE(calls.add(entry_of(1, CallPoint::kReplied, 8000)));
  const auto second = calls.add(entry_of(2, CallPoint::kFailed, 4500));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->span, 2U);
  EXPECT_EQ(second->duration_us(), 2.5);
  const auto first = calls.add(entry_of(1, CallPoint::kReplyRead, 11'000));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->duration_us(), 10.0);
  EXPECT_FALSE(calls.add(entry_of(1, CallPoint::kHandled, 12'000))) << "it has ended before";
}

TEST(EndedCalls, OneThatBeganBeforeTakesNobodyKnowsHowLong) {
  EndedCalls calls(100);
  const auto ended = calls.add(entry_of(1, CallPoint::kReplyRead, 1000));
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->duration_us(), std::nullopt);
}

TEST(EndedCalls, ThoseThatNeverEndAreForgotten) {
  EndedCalls calls(2);
  for (std::uint64_t span = 1; span <= 3; ++span) {
    EXPECT_FALSE(calls.add(entry_of(span, CallPoint::kBegun, 1000)));
  }
  EXPECT_EQ(calls.add(entry_of(1, CallPoint::kReplyRead, 2000))->duration_us(), std::nullopt);
  EXPECT_EQ(calls.add(entry_of(3, CallPoint::kReplyRead, 2000))->duration_us(), 1.0);
}

std::vector<int> shown(const SlowestCalls& calls, SlowestCalls::Time now) {
  return calls.to_json(now).get<std::vector<int>>();
}

TEST(SlowestCalls, AreSortedOverAllSeconds) {
  const SlowestCalls::Time start{};
  SlowestCalls calls;
  EXPECT_TRUE(shown(calls, start).empty());
  calls.add(start, 5, 5);
  calls.add(start + milliseconds(500), 9, 9);
  calls.add(start + seconds(3), 7, 7);
  EXPECT_EQ(shown(calls, start + seconds(3)), (std::vector{9, 7, 5}));
}

TEST(SlowestCalls, AreBoundedAndTheSlowestStay) {
  const SlowestCalls::Time now{};
  SlowestCalls calls;
  constexpr int kMost = SlowestCalls::kMost;
  for (int i = 1; i <= 3 * kMost; ++i) {
    EXPECT_TRUE(calls.takes(now, i));
    calls.add(now, i, i);
  }
  EXPECT_FALSE(calls.takes(now, 2 * kMost)) << "it is quicker than all that are kept";
  EXPECT_TRUE(calls.takes(now + seconds(1), 1)) << "each second has its own";
  for (int i = 0; i < 10; ++i) calls.add(now + seconds(1), 1, 1);
  const auto all = shown(calls, now + seconds(1));
  ASSERT_EQ(all.size(), SlowestCalls::kMost);
  EXPECT_EQ(all.front(), 3 * kMost);
  EXPECT_EQ(all.back(), 2 * kMost + 1);
}

TEST(SlowestCalls, OldOnesAreGone) {
  const SlowestCalls::Time start{};
  SlowestCalls calls;
  calls.add(start, 9, 9);
  calls.add(start + seconds(30), 3, 3);
  EXPECT_EQ(shown(calls, start + seconds(59)), (std::vector{9, 3}));
  EXPECT_EQ(shown(calls, start + seconds(60)), (std::vector{3}));
  calls.add(start + seconds(200), 1, 1);
  EXPECT_EQ(shown(calls, start + seconds(200)), (std::vector{1}));
}

}  // namespace
}  // namespace netbinder::tools
