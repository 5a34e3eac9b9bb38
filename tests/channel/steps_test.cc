// SPDX-License-Identifier: Apache-2.0
//
// Each step of the channel by itself, on one thread.
#include <gtest/gtest.h>

#include <vector>

#include "channel/doorbell.h"
#include "channel/handover.h"
#include "channel/ownership.h"
#include "channel/pending.h"
#include "channel/posted_read.h"
#include "channel/sleep.h"
#include "tests/channel/channel_memory.h"

namespace netbinder::testing {
namespace {

class ChannelSteps : public ::testing::Test {
 protected:
  std::vector<std::uint32_t> take() {
    std::vector<std::uint32_t> taken;
    const bool any = take_pending(header(), [&](std::uint32_t index) { taken.push_back(index); });
    EXPECT_EQ(any, !taken.empty());
    return taken;
  }
  ChannelHeader& header() { return memory_.header(); }
  Mailbox& box() { return memory_.mailbox(kLast); }

  static constexpr std::uint32_t kLast = kMailboxes - 1;
  ChannelMemory memory_;
};

TEST_F(ChannelSteps, PendingMailboxesAreTakenOnceInTheirOrder) {
  EXPECT_FALSE(anything_pending(header()));
  for (const std::uint32_t index : {kLast, 0U, 63U, 64U, 0U}) mark_pending(header(), index);
  EXPECT_TRUE(anything_pending(header()));
  EXPECT_EQ(take(), (std::vector<std::uint32_t>{0, 63, 64, kLast}));
  EXPECT_EQ(take(), std::vector<std::uint32_t>{});
}

TEST_F(ChannelSteps, WordsThatDoNotExistLeadNowhere) {
  header().pending_words = ~std::uint32_t{0};
  EXPECT_EQ(take(), std::vector<std::uint32_t>{});
  EXPECT_FALSE(anything_pending(header()));
}

TEST_F(ChannelSteps, OnlyAnArmedDoorbellIsRungAndOnce) {
  EXPECT_FALSE(must_ring(header()));
  EXPECT_TRUE(arm_doorbell(header()));
  EXPECT_TRUE(agent_seems_asleep(header()));
  mark_pending(header(), 7);
  EXPECT_TRUE(must_ring(header()));
  EXPECT_FALSE(must_ring(header()));
  EXPECT_FALSE(agent_seems_asleep(header()));
}

TEST_F(ChannelSteps, AnAgentDoesNotArmOverWhatIsThere) {
  mark_pending(header(), 7);
  EXPECT_FALSE(arm_doorbell(header()));
  EXPECT_FALSE(must_ring(header())) << "it is awake";
  EXPECT_EQ(take(), std::vector<std::uint32_t>{7});
  EXPECT_TRUE(arm_doorbell(header()));
  disarm_doorbell(header());
  EXPECT_FALSE(must_ring(header()));
}

TEST_F(ChannelSteps, CancellingComesTooLateForAnAnswer) {
  hand_over(box(), kRequested);
  EXPECT_TRUE(hand_over_from(box(), kRequested, kCancelled));
  EXPECT_FALSE(hand_over_from(box(), kRequested, kCancelled));
  hand_over(box(), kDone);
  EXPECT_FALSE(hand_over_from(box(), kRequested, kCancelled));
  EXPECT_TRUE(is_settled(look_at(box())));
}

TEST_F(ChannelSteps, ASleeperThatSeesAnotherStateDoesNotSleep) {
  hand_over(box(), kDone);
  EXPECT_EQ(sleep_while(box(), kRequested, 60'000'000'000), 0);
  EXPECT_FALSE(wake_sleeper(box())) << "nobody sleeps";
  hand_over(box(), kRequested);
  EXPECT_EQ(sleep_while(box(), kRequested, 1'000'000), ETIMEDOUT);
  EXPECT_FALSE(wake_sleeper(box()));
}

// The agent may be late with the wake-up for an earlier response.
TEST_F(ChannelSteps, ALateWakeUpLeavesTheNextSleepWakeable) {
  box().sleeping.store(1);  // the thread is about to sleep once more
  EXPECT_TRUE(wake_sleeper(box()));
  EXPECT_TRUE(wake_sleeper(box())) << "and would not be woken";
}

TEST_F(ChannelSteps, APostedReadIsSilentWhileItIsAllowed) {
  box().request = {.operation = kOpWriteRead,
                   .flags = kFlagReads | kFlagFreshRead,
                   .read_capacity = kPostedReadBytes};
  EXPECT_TRUE(is_waiting_read(box().request));
  hand_over(box(), kRequested);
  EXPECT_FALSE(may_stay_silent(box()));
  allow_posting(box());
  EXPECT_TRUE(may_stay_silent(box()));
  forbid_posting(box());
  EXPECT_TRUE(posted_read_is_there(box()));
  EXPECT_FALSE(may_stay_silent(box()));
  hand_over(box(), kDone);
  EXPECT_FALSE(posted_read_is_there(box()));
}

TEST_F(ChannelSteps, OnlyAReadThatWaitsMayBePosted) {
  const MailboxRequest waits = {.operation = kOpWriteRead,
                                .flags = kFlagReads | kFlagFreshRead,
                                .read_capacity = kPostedReadBytes};
  for (const auto& spoil : std::vector<void (*)(MailboxRequest&)>{
           [](MailboxRequest& request) { request.operation = kOpControl; },
           [](MailboxRequest& request) { request.bytes = 4; },
           [](MailboxRequest& request) { request.flags |= kFlagNonblocking; },
           [](MailboxRequest& request) { request.flags &= ~std::uint32_t{kFlagFreshRead}; },
           [](MailboxRequest& request) { --request.read_capacity; }}) {
    MailboxRequest other = waits;
    spoil(other);
    EXPECT_FALSE(is_waiting_read(other));
  }
}

TEST_F(ChannelSteps, AClaimedMailboxForgetsItsLastOwner) {
  EXPECT_TRUE(claim_mailbox(box(), 0, 11));
  EXPECT_FALSE(claim_mailbox(box(), 0, 12));
  EXPECT_EQ(owner_of(box()), 11U);
  allow_posting(box());
  hand_over(box(), kDone);
  EXPECT_TRUE(claim_mailbox(box(), 11, 12)) << "11 has ended";
  EXPECT_EQ(look_at(box()), kIdle);
  EXPECT_FALSE(may_stay_silent(box()));
  give_mailbox_back(box());
  EXPECT_EQ(owner_of(box()), 0U);
}

TEST(ChannelLayout, MailboxesAndStagingDoNotOverlap) {
  ChannelMemory memory;
  auto* const start = reinterpret_cast<std::byte*>(&memory.header());
  EXPECT_EQ(reinterpret_cast<std::byte*>(&memory.mailbox(0)) - start,
            static_cast<std::ptrdiff_t>(kMailboxesStart));
  EXPECT_LE(reinterpret_cast<std::byte*>(&memory.mailbox(kMailboxes - 1)) - start + kMailboxBytes,
            static_cast<std::ptrdiff_t>(kStagingStart));
  // The ranges that are not in the mailbox grow from the end of its area towards the payloads.
  EXPECT_EQ(overflow_range_place(kInlineRanges) + sizeof(StagedRange), kStagingBytes);
  EXPECT_GE(overflow_range_place(kMaxStagedRanges - 1), kMaxMapBytes);
  EXPECT_EQ(staging_start(kMailboxes), kChannelBytes);
}

}  // namespace
}  // namespace netbinder::testing
