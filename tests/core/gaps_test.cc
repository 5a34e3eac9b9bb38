// SPDX-License-Identifier: Apache-2.0
//
// The image that goes to a peer: bytes into which no part of the sender's memory was copied are
// zero, and not what the memory held before (the fixture's memory is full of 0xA5).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "tests/core/cluster_fixture.h"

namespace netbinder::testing {
namespace {

using ::testing::Each;

class Gaps : public ::testing::Test {
 protected:
  void SetUp() override {
    manager.greet(1);
    ASSERT_EQ(manager.become_manager(), 0);
    cluster.settle();
    client.greet(1);
  }
  // The image of the client's call, and its shape.
  const Cluster::Letter& sent() {
    const Cluster::Letter* letter = cluster.next(2, 1);
    if (letter == nullptr) throw std::runtime_error("nothing was sent");
    return *letter;
  }
  static std::span<const std::byte> part(const Cluster::Letter& letter, std::uint64_t begin,
                                         std::uint64_t end) {
    return std::span<const std::byte>(letter.payload.bytes()).subspan(begin, end - begin);
  }

  Cluster cluster{2};
  Program manager{cluster.host(1), 100};
  Program client{cluster.host(2), 200};
};

TEST_F(Gaps, BehindDataOfAnyLength) {
  for (std::size_t length = 1; length <= 17; ++length) {
    const Payload payload(std::string(length, 'x'));
    client.start(1, Commands().put(BC_TRANSACTION, payload.call(0, 1, TF_ONE_WAY)), true);
    const auto& letter = sent();
    ASSERT_EQ(letter.payload.size(), (length + 7) / 8 * 8);
    EXPECT_THAT(part(letter, 0, length), Each(std::byte{'x'}));
    EXPECT_THAT(part(letter, length, letter.payload.size()), Each(std::byte{0})) << length;
    cluster.settle();
    client.outcome(1);
  }
}

TEST_F(Gaps, BetweenAndBehindTheBuffersOfAScatterGatherCall) {
  const std::array<std::string, 3> texts = {"12345", "123456789", "12345678"};
  Payload payload;
  for (const std::string& text : texts) {
    binder_buffer_object object{};
    object.hdr.type = BINDER_TYPE_PTR;
    object.buffer = reinterpret_cast<binder_uintptr_t>(text.data());
    object.length = text.size();
    payload.offsets.push_back(payload.data.size());
    const auto* begin = reinterpret_cast<const std::byte*>(&object);
    payload.data.insert(payload.data.end(), begin, begin + sizeof object);
  }
  payload.data.resize(payload.data.size() + 3, std::byte{'d'});
  binder_transaction_data_sg call{};
  call.transaction_data = payload.call(0, 1, TF_ONE_WAY);
  call.buffers_size = 8 + 16 + 8 + 40;  // the last 40 are nobody's
  client.start(1, Commands().put(BC_TRANSACTION_SG, call), true);
  const auto& letter = sent();
  const PayloadShape& shape = std::get<peer::Call>(letter.message).shape;
  ASSERT_EQ(letter.payload.size(), shape.image_size());
  EXPECT_THAT(part(letter, shape.data_size, shape.offsets_start()), Each(std::byte{0}));
  const std::uint64_t extra = shape.extra_start();
  const auto text_at = [&](std::uint64_t begin, std::size_t length) {
    const auto bytes = part(letter, extra + begin, extra + begin + length);
    return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  EXPECT_EQ(text_at(0, 5), texts[0]);
  EXPECT_THAT(part(letter, extra + 5, extra + 8), Each(std::byte{0}));
  EXPECT_EQ(text_at(8, 9), texts[1]);
  EXPECT_THAT(part(letter, extra + 17, extra + 24), Each(std::byte{0}));
  EXPECT_EQ(text_at(24, 8), texts[2]);
  EXPECT_THAT(part(letter, extra + 32, letter.payload.size()), Each(std::byte{0}));
  cluster.settle();
}

TEST_F(Gaps, AnOddNumberOfOffsetsAndAReply) {
  Payload question;
  question.add(binder_object(0x1000, 0x1000));
  client.start(1, Commands().put(BC_TRANSACTION, question.call(0, 1)), true);
  cluster.settle();
  const auto call = manager.read(1).find(BR_TRANSACTION)->as<binder_transaction_data>();
  const Payload answer("123456789abcd");
  manager.write(
      1, Commands().put(BC_FREE_BUFFER, call.data.ptr.buffer).put(BC_REPLY, answer.call(0, 0)));
  const Cluster::Letter* letter = cluster.next(1, 2);
  while (letter != nullptr && !std::holds_alternative<peer::Reply>(letter->message)) {
    cluster.deliver_one(1, 2);
    letter = cluster.next(1, 2);
  }
  ASSERT_NE(letter, nullptr);
  ASSERT_EQ(letter->payload.size(), 16U);
  EXPECT_THAT(part(*letter, 13, 16), Each(std::byte{0}));
  cluster.settle();
}

}  // namespace
}  // namespace netbinder::testing
