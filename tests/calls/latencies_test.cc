// SPDX-License-Identifier: Apache-2.0
//
// Made-up reports of calls, and the histograms in which they are counted.
#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "node-agent/call_latencies.h"

namespace netbinder {
namespace {

constexpr std::uint64_t kUs = 1000;
constexpr std::uint64_t kBegan = 1'000'000 * kUs;

// A payload as Android 11 and later write it: strict mode, work source, header, the name.
std::string payload(std::string_view interface) {
  std::string made{"\0\0\0\0\xff\xff\xff\xffTSYS", 12};
  const auto length = static_cast<std::uint32_t>(interface.size());
  made.append(reinterpret_cast<const char*>(&length), sizeof length);
  for (const char letter : interface) made += {letter, '\0'};
  made.append(4 - made.size() % 4, '\0');
  return made;
}

class CallLatency : public ::testing::Test {
 protected:
  void hear(CallReport report, CallPoint point, std::uint64_t now_ns) {
    report.point = point;
    latencies.heard(report, now_ns);
  }
  // On one host, read after 3 µs and replied to 15 µs after its beginning.
  void call_here(std::uint32_t node, std::string_view interface,
                 std::string_view context = "binder", bool oneway = false) {
    const std::string data = payload(interface);
    CallReport report;
    report.node = node;
    report.oneway = oneway;
    report.began = kBegan;
    report.context = context;
    report.data = std::as_bytes(std::span(data));
    hear(report, CallPoint::kQueued, kBegan);
    report.data = {};
    hear(report, CallPoint::kDelivered, kBegan + 3 * kUs);
    report.delivered = kBegan + 3 * kUs;
    hear(report, CallPoint::kReplied, kBegan + 15 * kUs);
    hear(report, CallPoint::kReplyRead, kBegan + 16 * kUs);
  }
  [[nodiscard]] const CallLatencies::Series* find(std::string_view interface,
                                                  std::string_view context = "binder") const {
    for (const CallLatencies::Series& each : latencies.series()) {
      if (each.interface() == interface && each.context() == context) return &each;
    }
    return nullptr;
  }
  static std::uint64_t count(const LatencyHistogram& histogram) {
    std::uint64_t sum = 0;
    for (const std::uint64_t each : histogram.counts()) sum += each;
    return sum;
  }

  CallLatencies latencies;
};

TEST(LatencyHistogram, EachPlaceHasWhatIsNotLongerThanItsBound) {
  LatencyHistogram histogram;
  EXPECT_TRUE(histogram.empty());
  for (const std::uint64_t took : {std::uint64_t{0}, 5 * kUs, 5 * kUs + 1, 11'000'000 * kUs}) {
    histogram.add(took);
  }
  EXPECT_FALSE(histogram.empty());
  EXPECT_EQ(histogram.counts().front(), 2U);
  EXPECT_EQ(histogram.counts()[1], 1U);
  EXPECT_EQ(histogram.counts().back(), 1U);
  EXPECT_EQ(histogram.total_ns(), 11'000'010 * kUs + 1);
  EXPECT_TRUE(std::ranges::is_sorted(LatencyHistogram::kBoundsNs));
}

TEST_F(CallLatency, ACallOnOneHostIsTimedFromItsBeginningAndFromItsReading) {
  call_here(1, "a.IB");
  const auto* const series = find("a.IB");
  ASSERT_NE(series, nullptr);
  EXPECT_EQ(count(series->local), 1U);
  EXPECT_EQ(series->local.total_ns(), 15 * kUs);
  EXPECT_EQ(count(series->handling), 1U);
  EXPECT_EQ(series->handling.total_ns(), 12 * kUs);
  EXPECT_TRUE(series->to_peer.empty());
}

TEST_F(CallLatency, ACallToAnotherHostIsTimedUntilItsReplyArrives) {
  const std::string data = payload("a.IB");
  CallReport report;
  report.node = 4;
  report.began = kBegan;
  report.context = "binder";
  report.handler.host = HostId{2};
  report.data = std::as_bytes(std::span(data));
  hear(report, CallPoint::kSent, kBegan + kUs);
  report.data = {};
  hear(report, CallPoint::kReplyArrived, kBegan + 30 * kUs);
  hear(report, CallPoint::kReplyRead, kBegan + 99 * kUs);
  const auto* const series = find("a.IB");
  ASSERT_NE(series, nullptr);
  EXPECT_EQ(series->to_peer.total_ns(), 30 * kUs);
  EXPECT_TRUE(series->local.empty());
  EXPECT_TRUE(series->handling.empty());
}

TEST_F(CallLatency, OfACallFromAnotherHostOnlyTheHandlingIsTimed) {
  const std::string data = payload("a.IB");
  CallReport report;
  report.node = 4;
  report.began = kBegan;  // its arrival
  report.context = "binder";
  report.caller.host = HostId{2};
  report.data = std::as_bytes(std::span(data));
  hear(report, CallPoint::kQueued, kBegan);
  report.data = {};
  report.delivered = kBegan + 10 * kUs;
  hear(report, CallPoint::kReplied, kBegan + 14 * kUs);
  const auto* const series = find("a.IB");
  ASSERT_NE(series, nullptr);
  EXPECT_EQ(series->handling.total_ns(), 4 * kUs);
  EXPECT_TRUE(series->local.empty());
}

TEST_F(CallLatency, OnewayCallsFailuresAndWhatBeganUnseenAreNotCounted) {
  call_here(1, "a.IB", "binder", true);
  CallReport report;
  report.node = 1;
  report.context = "binder";
  report.began = kBegan;
  hear(report, CallPoint::kFailed, kBegan + kUs);
  report.began = 0;
  hear(report, CallPoint::kReplied, kBegan + kUs);
  hear(report, CallPoint::kReplyArrived, kBegan + kUs);
  for (const CallLatencies::Series& each : latencies.series()) {
    EXPECT_TRUE(each.local.empty() && each.to_peer.empty() && each.handling.empty());
  }
}

TEST_F(CallLatency, NodesOfAnInterfaceAreOneInEachContext) {
  call_here(1, "a.IB");
  call_here(2, "a.IB");
  call_here(3, "a.IB", "vndbinder");
  ASSERT_NE(find("a.IB"), nullptr);
  EXPECT_EQ(count(find("a.IB")->local), 2U);
  ASSERT_NE(find("a.IB", "vndbinder"), nullptr);
  EXPECT_EQ(count(find("a.IB", "vndbinder")->local), 1U);
}

TEST_F(CallLatency, ACallWithoutANameIsOfItsNodesInterface) {
  call_here(1, "");  // nobody knows yet
  call_here(1, "a.IB");
  call_here(1, "");
  EXPECT_EQ(count(find("other")->local), 1U);
  EXPECT_EQ(count(find("a.IB")->local), 2U);
}

TEST_F(CallLatency, InterfacesBeyondTheBoundAreOneInEachContext) {
  const CallLatencies::Series* const there = latencies.series().data();
  for (std::uint32_t i = 0; i < CallLatencies::kMostInterfaces + 10; ++i) {
    call_here(i + 1, "a.I" + std::to_string(i));
  }
  call_here(1000, "b.I", "vndbinder");
  EXPECT_EQ(count(find("other")->local), 10U);
  EXPECT_EQ(count(find("other", "vndbinder")->local), 1U);
  EXPECT_EQ(count(find("a.I0")->local), 1U);
  EXPECT_EQ(find("a.I64"), nullptr);
  EXPECT_EQ(latencies.series().data(), there) << "nothing was allocated";
}

TEST_F(CallLatency, SoAreContextsBeyondTheirBound) {
  for (std::uint32_t i = 0; i < CallLatencies::kMostContexts + 5; ++i) {
    call_here(i + 1, "", "device" + std::to_string(i));
  }
  EXPECT_EQ(count(find("other", "device0")->local), 1U);
  EXPECT_EQ(count(find("other", "other")->local), 5U);
}

TEST_F(CallLatency, AnInterfaceThatIsCalledOtherIsAmongTheOthers) {
  call_here(1, "other");
  call_here(2, "");
  EXPECT_EQ(count(find("other")->local), 2U);
}

TEST_F(CallLatency, OfTwoNodesWithOnePlaceTheLaterCallHasIt) {
  const std::string data = payload("a.IB");
  CallReport first;
  first.node = 5;
  first.began = kBegan;
  first.context = "binder";
  first.data = std::as_bytes(std::span(data));
  hear(first, CallPoint::kQueued, kBegan);
  call_here(5 + 4096, "c.ID");  // meanwhile
  first.data = {};
  hear(first, CallPoint::kReplied, kBegan + 40 * kUs);
  EXPECT_EQ(count(find("c.ID")->local), 1U);
  EXPECT_EQ(find("other")->local.total_ns(), 40 * kUs);
  call_here(5, "a.IB");
  EXPECT_EQ(count(find("a.IB")->local), 1U);
}

}  // namespace
}  // namespace netbinder
