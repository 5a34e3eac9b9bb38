// SPDX-License-Identifier: Apache-2.0
#include "tools/calls/slices.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/calls/made_up_calls.h"
#include "tools/calls/trace_file.h"

namespace netbinder::tools::testing {
namespace {

const Slice* find(const Slices& slices, std::uint64_t span, Slice::Kind kind) {
  for (const Slice& slice : slices.all()) {
    if (slice.call->span == span && slice.kind == kind) return &slice;
  }
  return nullptr;
}

TEST(Slices, ACallOverHostsIsTwoSlicesAndTwoArrowsThatGoForward) {
  MadeUpHost a(1, "a");
  MadeUpHost b(2, "b", 5'000'000);
  add_call(a, b, 1, 1'010'000, 1'014'000, 1'100'000, 1'106'000);
  const std::vector<HostRecording> hosts = {a.made(), b.made()};
  const auto clocks = compare_clocks(hosts);
  const Slices slices(hosts, clocks);
  ASSERT_EQ(slices.all().size(), 2U);
  const Slice* calls = find(slices, 1, Slice::Kind::kCalls);
  const Slice* handles = find(slices, 1, Slice::Kind::kHandles);
  ASSERT_TRUE(calls != nullptr && handles != nullptr);
  EXPECT_EQ(calls->thread.tid, 11U);
  EXPECT_EQ(handles->thread.host, 1U);
  EXPECT_LT(calls->start_ns, handles->start_ns);
  EXPECT_GT(calls->end_ns, handles->end_ns);
  ASSERT_EQ(slices.arrows().size(), 2U);
  for (const Arrow& arrow : slices.arrows()) EXPECT_LE(arrow.from_ns, arrow.to_ns);
}

TEST(Slices, WhatThreadsLeaveUnfinishedEndsWithTheRecording) {
  MadeUpHost a(1, "a");
  const MadeUpHost::Ends ends{.caller_tid = 1, .handler_tid = 2};
  a.add(1, CallPoint::kReplyRead, 500, ends);
  a.add(2, CallPoint::kBegun, 600, ends);
  a.add(2, CallPoint::kDelivered, 700, ends);
  a.add(3, CallPoint::kBegun, 900, {.caller_tid = 9});
  const std::vector<HostRecording> hosts = {a.made()};
  const auto clocks = compare_clocks(hosts);
  const Slices slices(hosts, clocks);
  const Slice* before = find(slices, 1, Slice::Kind::kCalls);
  ASSERT_NE(before, nullptr);
  EXPECT_TRUE(before->began_before);
  EXPECT_EQ(before->start_ns, 500);
  EXPECT_GT(before->end_ns, before->start_ns);
  const Slice* open = find(slices, 2, Slice::Kind::kHandles);
  ASSERT_NE(open, nullptr);
  EXPECT_TRUE(open->unfinished);
  EXPECT_EQ(open->end_ns, 901);
}

TEST(Slices, WhatOverlapsIsCutSoThatAllOfAThreadNests) {
  MadeUpHost a(1, "a");
  // The thread replies to the outer call before it reads the reply of the inner one.
  a.add(1, CallPoint::kDelivered, 100, {.caller_tid = 1, .handler_tid = 2});
  a.add(2, CallPoint::kBegun, 200, {.caller_tid = 2, .handler_tid = 3, .parent = 1});
  a.add(1, CallPoint::kReplied, 300, {.caller_tid = 1, .handler_tid = 2});
  a.add(2, CallPoint::kReplyRead, 400, {.caller_tid = 2, .handler_tid = 3, .parent = 1});
  // The programs of made-up ends differ; here one thread does both.
  for (call_ring::Entry& entry : a.made().entries) entry.caller_pid = entry.handler_pid = 7;
  const std::vector<HostRecording> hosts = {a.made()};
  const auto clocks = compare_clocks(hosts);
  const Slices slices(hosts, clocks);
  const Slice* inner = find(slices, 2, Slice::Kind::kCalls);
  ASSERT_NE(inner, nullptr);
  EXPECT_EQ(inner->end_ns, 300);
  EXPECT_TRUE(inner->cut);
}

TEST(Slices, TheHandlingOfAOnewayCallEndsWhenItsThreadHasOtherWork) {
  MadeUpHost a(1, "a");
  const MadeUpHost::Ends ends{.caller_tid = 1, .handler_tid = 2, .oneway = true};
  a.add(1, CallPoint::kBegun, 100, ends).add(1, CallPoint::kQueued, 110, ends);
  a.add(1, CallPoint::kDelivered, 200, ends);
  a.add(1, CallPoint::kHandled, 900, {.handler_tid = 2, .oneway = true});
  a.add(99, CallPoint::kHandled, 950, {.handler_tid = 2, .oneway = true});  // began long before
  const std::vector<HostRecording> hosts = {a.made()};
  const auto clocks = compare_clocks(hosts);
  const Slices slices(hosts, clocks);
  ASSERT_EQ(slices.all().size(), 2U);
  EXPECT_EQ(find(slices, 1, Slice::Kind::kCalls)->end_ns, 110);
  EXPECT_EQ(find(slices, 1, Slice::Kind::kHandles)->end_ns, 900);
  ASSERT_EQ(slices.arrows().size(), 1U) << "nothing comes back";
}

TEST(CallNames, AreTheInterfacesLastPartAndTheCode) {
  EXPECT_EQ(call_name("android.os.IServiceManager", 3), "IServiceManager #3");
  EXPECT_EQ(call_name("", 3), "call #3");
  EXPECT_EQ(call_name("", 0x5f504e47), "call _PNG");
}

}  // namespace
}  // namespace netbinder::tools::testing
