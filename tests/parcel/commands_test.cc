// SPDX-License-Identifier: Apache-2.0
#include "parcel/commands.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace netbinder::testing {
namespace {

TEST(ParcelCommands, ReturnsAreReadOneByOne) {
  std::vector<std::byte> read;
  put_command(read, BR_NOOP);
  put_command(read, BR_ERROR, std::int32_t{-22});
  put_command(read, BR_INCREFS, binder_ptr_cookie{.ptr = 1, .cookie = 2});
  Returns returns(read);
  EXPECT_EQ(returns.next()->name, BR_NOOP);
  EXPECT_EQ(returns.next()->as<std::int32_t>(), -22);
  const auto got = returns.next();
  EXPECT_TRUE(returns.empty());
  EXPECT_FALSE(returns.next());

  std::vector<std::byte> answers;
  EXPECT_TRUE(acknowledge_reference(*got, answers));
  Returns answered(answers);
  const auto done = answered.next();
  EXPECT_EQ(done->name, BC_INCREFS_DONE);
  EXPECT_EQ(done->as<binder_ptr_cookie>().cookie, 2U);
}

TEST(ParcelCommands, WhatIsCutOffIsNoReturn) {
  std::vector<std::byte> read;
  put_command(read, BR_ERROR, std::int32_t{-22});
  for (std::size_t size = 0; size < read.size(); ++size) {
    Returns returns({read.data(), size});
    EXPECT_FALSE(returns.next()) << size;
  }
}

TEST(ParcelCommands, ATransactionWithBuffersSaysHowLargeTheyAre) {
  ParcelBytes parcel{.data = {}, .offsets = {}, .buffers = {std::vector<std::byte>(3)}};
  parcel.buffers.emplace_back(8);
  std::vector<std::byte> commands;
  put_transaction(commands, Direction::kReply, transaction_of(parcel.view()), parcel);
  const auto command = Returns(commands).next();
  EXPECT_EQ(command->name, BC_REPLY_SG);
  EXPECT_EQ(command->as<binder_transaction_data_sg>().buffers_size, 16U);
}

TEST(ParcelCommands, FailuresOfCallsHaveNames) {
  EXPECT_STREQ(failure_of_call({.name = BR_DEAD_REPLY, .payload = {}}), "BR_DEAD_REPLY");
  EXPECT_STREQ(failure_of_call({.name = BR_FAILED_REPLY, .payload = {}}), "BR_FAILED_REPLY");
  EXPECT_STREQ(failure_of_call({.name = BR_FROZEN_REPLY, .payload = {}}), "BR_FROZEN_REPLY");
  EXPECT_EQ(failure_of_call({.name = BR_REPLY, .payload = {}}), nullptr);
}

}  // namespace
}  // namespace netbinder::testing
