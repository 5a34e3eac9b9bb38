// SPDX-License-Identifier: Apache-2.0
//
// The requests that a SendQueue posts, on a queue pair that only records them.
#include "transport/rdma/send_queue.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace netbinder::rdma {
namespace {

constexpr std::uint32_t kInline = 256;

struct Posted {
  SendRequest::Kind kind;
  WorkId id;
  bool signalled;
  bool inline_data;
  std::uint64_t remote_address;
  std::vector<std::byte> bytes;  // of all its pieces
  std::vector<LocalKey> keys;
};

class RecordingQueuePair : public QueuePair {
 public:
  std::vector<std::vector<Posted>> chains;
  int error = 0;

  [[nodiscard]] QueuePairNumber number() const override { return QueuePairNumber(1); }
  [[nodiscard]] QueuePairAddress address() const override { return {}; }
  [[nodiscard]] std::uint32_t inline_bytes() const override { return kInline; }
  int post_receive(WorkId, std::span<std::byte>, LocalKey) override { return 0; }
  std::expected<void, std::string> connect(const QueuePairAddress&) override { return {}; }
  int post_send(std::span<const SendRequest> requests) override {
    auto& chain = chains.emplace_back();
    for (const SendRequest& request : requests) {
      Posted posted{.kind = request.kind,
                    .id = request.id,
                    .signalled = request.signalled,
                    .inline_data = request.inline_data,
                    .remote_address = request.remote_address,
                    .bytes = {},
                    .keys = {}};
      for (const Gather& piece : request.gather) {
        posted.bytes.insert(posted.bytes.end(), piece.data, piece.data + piece.bytes);
        posted.keys.push_back(piece.key);
      }
      chain.push_back(std::move(posted));
    }
    return error;
  }
};

class RecordingDomain : public ProtectionDomain {
 public:
  static constexpr LocalKey kKey{77};
  std::expected<std::unique_ptr<MemoryRegion>, std::string> register_memory(std::span<std::byte>,
                                                                            Access) override {
    struct Region : MemoryRegion {
      [[nodiscard]] LocalKey local_key() const override { return kKey; }
      [[nodiscard]] RemoteKey remote_key() const override { return RemoteKey(78); }
    };
    return std::make_unique<Region>();
  }
  std::expected<std::unique_ptr<QueuePair>, std::string> create_queue_pair(
      const QueuePairLimits&) override {
    return std::unexpected("not here");
  }
};

class SendQueueTest : public ::testing::Test {
 protected:
  static std::vector<std::byte> bytes(std::size_t size, int value) {
    return {size, std::byte(value)};
  }
  // Keeps what is sent, as senders do until it is posted.
  std::size_t send(std::vector<std::byte> message, std::vector<std::byte> payload,
                   std::optional<LocalKey> key = {}) {
    const auto& kept_message = kept_.emplace_back(std::move(message));
    const auto& kept_payload = kept_.emplace_back(std::move(payload));
    return queue_->send({.kind = SegmentKind::kFrame}, kept_message, kept_payload, key);
  }
  static constexpr auto kFrame = SendQueue::Use::kFrame;
  static constexpr auto kCredit = SendQueue::Use::kCredit;

  std::deque<std::vector<std::byte>> kept_;
  RecordingDomain domain_;
  RecordingQueuePair pair_;
  std::unique_ptr<SendQueue> queue_ = *SendQueue::create(domain_, pair_);
};

TEST_F(SendQueueTest, AWriteAndWhatFollowsItAreOneChainInOrder) {
  const auto payload = bytes(5000, 1);
  queue_->write(payload, LocalKey(5), 0x1000, RemoteKey(6));
  EXPECT_EQ(send(bytes(100, 2), {}), 0U);
  EXPECT_TRUE(pair_.chains.empty()) << "until it is posted";
  EXPECT_EQ(queue_->post(), 0);
  ASSERT_EQ(pair_.chains.size(), 1U);
  ASSERT_EQ(pair_.chains[0].size(), 2U);
  EXPECT_EQ(pair_.chains[0][0].kind, SendRequest::Kind::kWrite);
  EXPECT_EQ(pair_.chains[0][0].bytes, payload);
  EXPECT_EQ(pair_.chains[0][0].remote_address, 0x1000U);
  EXPECT_EQ(pair_.chains[0][1].kind, SendRequest::Kind::kSend);
  EXPECT_LT(pair_.chains[0][0].id, pair_.chains[0][1].id);
  EXPECT_EQ(queue_->post(), 0);
  EXPECT_EQ(pair_.chains.size(), 1U) << "an empty chain is not posted";
}

TEST_F(SendQueueTest, WhatFitsGoesInlineToTheByte) {
  const std::size_t room = kInline - sizeof(SegmentHeader);
  for (const std::size_t over : {0U, 1U}) {
    const auto message = bytes(100, 1);
    const auto payload = bytes(room - 100 + over, 2);
    EXPECT_EQ(send(message, payload), payload.size()) << "copied, either way";
    (void)queue_->post();
    const Posted& posted = pair_.chains.back().front();
    EXPECT_EQ(posted.inline_data, over == 0);
    ASSERT_EQ(posted.bytes.size(), kInline + over);
    EXPECT_EQ(posted.bytes[sizeof(SegmentHeader)], std::byte(1));
    EXPECT_EQ(posted.bytes.back(), std::byte(2));
    if (over > 0) {
      EXPECT_EQ(posted.keys, std::vector{RecordingDomain::kKey});
    }
  }
}

TEST_F(SendQueueTest, ARegisteredPayloadIsSentFromWhereItIs) {
  const auto payload = bytes(4000, 2);
  EXPECT_EQ(send(bytes(100, 1), payload, LocalKey(9)), 0U);
  (void)queue_->post();
  const Posted& posted = pair_.chains.back().front();
  EXPECT_EQ(posted.keys, (std::vector{RecordingDomain::kKey, LocalKey(9)}));
  EXPECT_EQ(posted.bytes.size(), sizeof(SegmentHeader) + 4100);
}

TEST_F(SendQueueTest, OneInSoManyIsSignalledAndWhatIsAskedFor) {
  std::vector<std::uint64_t> signalled;
  for (std::uint64_t number = 1; number <= 5 * kSignalEvery; ++number) {
    ASSERT_TRUE(queue_->has_room(kFrame));
    (void)send(bytes(8, 1), {});
    if (number == 3) queue_->signal_last();
    (void)queue_->post();
    const Posted& posted = pair_.chains.back().front();
    EXPECT_EQ(posted.id, WorkId(number));
    if (posted.signalled) {
      signalled.push_back(number);
      queue_->completed(posted.id);
    }
  }
  EXPECT_EQ(signalled,
            (std::vector<std::uint64_t>{3, kSignalEvery, 2 * kSignalEvery, 3 * kSignalEvery,
                                        4 * kSignalEvery, 5 * kSignalEvery}));
}

TEST_F(SendQueueTest, AFullQueueHasRoomForCreditOnlyUntilSomethingIsComplete) {
  std::uint64_t sent = 0;
  while (queue_->has_room(kFrame)) {
    (void)send(bytes(8, 1), {});
    if (++sent % kMaxChain == 0) (void)queue_->post();
    ASSERT_LE(sent, kSendRequests);
  }
  (void)queue_->post();
  EXPECT_EQ(sent, kSendRequests - kReservedSends);
  EXPECT_FALSE(queue_->has_room(kFrame));
  for (std::uint32_t i = 0; i < kReservedSends; ++i) {
    ASSERT_TRUE(queue_->has_room(kCredit));
    (void)queue_->send({.kind = SegmentKind::kCredit}, {}, {}, std::nullopt);
    (void)queue_->post();
  }
  EXPECT_FALSE(queue_->has_room(kCredit));
  queue_->completed(WorkId(kSignalEvery));
  EXPECT_TRUE(queue_->has_room(kFrame));
}

TEST_F(SendQueueTest, ASegmentIsUsedAgainOnlyWhenItWasSent) {
  const auto message = bytes(1000, 1);  // more than goes inline
  std::uint64_t sent = 0;
  while (queue_->has_room(kFrame)) {
    (void)send(message, {});
    (void)queue_->post();
    ++sent;
  }
  EXPECT_EQ(sent, kSendSegments);
  queue_->completed(WorkId(1));
  EXPECT_TRUE(queue_->has_room(kFrame));
  (void)send(message, {});
  EXPECT_FALSE(queue_->has_room(kFrame)) << "the next segment is being sent from still";
}

TEST_F(SendQueueTest, AChainHasRoomForWritesAndTheirSegmentOrNone) {
  EXPECT_TRUE(queue_->has_room(kFrame, kMaxChain - 1));
  EXPECT_FALSE(queue_->has_room(kFrame, kMaxChain));
  (void)send(bytes(8, 1), {});
  EXPECT_FALSE(queue_->has_room(kFrame, kMaxChain - 1));
  EXPECT_EQ(queue_->post(), 0);
  EXPECT_TRUE(queue_->has_room(kFrame, kMaxChain - 1));
}

TEST_F(SendQueueTest, AnErrorOfPostingIsSaid) {
  pair_.error = -ENOMEM;
  (void)send(bytes(8, 1), {});
  EXPECT_EQ(queue_->post(), -ENOMEM);
}

}  // namespace
}  // namespace netbinder::rdma
