// SPDX-License-Identifier: Apache-2.0
//
// poll reports a binder descriptor as readable exactly while a read would not block.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>

#include "tests/agent/agent_process.h"
#include "tests/agent/channel_client.h"
#include "tests/agent/polite_pair.h"

namespace netbinder::testing {
namespace {

constexpr std::uint64_t kNode = 0x5000;

class Readiness : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(server_.map(), 0);
    ASSERT_EQ(client_.map(), 0);
    ASSERT_TRUE(Caller(server_, 1).add("polled", kNode));
    Stream enter;
    ASSERT_EQ(server_.write_read(2, enter.put(BC_ENTER_LOOPER).bytes(), 0), 0);
    handle_ = caller_.find("polled");
    ASSERT_NE(handle_, 0U);
    (void)read_now();
  }
  void TearDown() override { expect_polite_programs_work(agent_.socket()); }
  // Reads without blocking; nothing if there was no work.
  std::optional<std::vector<std::byte>> read_now() {
    std::vector<std::byte> read;
    const int error = server_.write_read(2, {}, kRead | kFlagNonblocking, &read);
    if (error == -EAGAIN) return std::nullopt;
    EXPECT_EQ(error, 0);
    return read;
  }
  void send_oneway(std::uint32_t code) {
    binder_transaction_data data{};
    data.target.handle = handle_;
    data.code = code;
    data.flags = TF_ONE_WAY;
    ASSERT_EQ(client_.write_read(1, Stream().put(BC_TRANSACTION, data).bytes(), kRead), 0);
  }
  void free_buffer(const std::vector<std::byte>& call) {
    binder_transaction_data data{};
    std::memcpy(&data, call.data(), sizeof data);
    ASSERT_EQ(server_.write_read(
                  2, Stream().put(BC_FREE_BUFFER, data.data.ptr.buffer).bytes(), 0),
              0);
  }

  AgentProcess agent_;
  ChannelClient server_{agent_.socket()};
  ChannelClient client_{agent_.socket()};
  Caller caller_{client_, 1};
  std::uint32_t handle_ = 0;
};

TEST_F(Readiness, QueuedWorkMakesTheDescriptorReadableUntilItIsTaken) {
  EXPECT_FALSE(server_.readable());
  EXPECT_FALSE(read_now());
  for (std::uint32_t round = 1; round <= 50; ++round) {
    send_oneway(round);
    EXPECT_TRUE(server_.readable());
    const auto read = read_now();
    ASSERT_TRUE(read);
    const auto call = find_command(*read, BR_TRANSACTION);
    ASSERT_TRUE(call);
    EXPECT_FALSE(server_.readable());
    EXPECT_FALSE(read_now());
    EXPECT_FALSE(server_.readable());
    free_buffer(*call);
  }
}

TEST_F(Readiness, ItStaysReadableWhileWorkIsLeft) {
  // Two nodes, so that neither call waits for the other.
  ASSERT_TRUE(Caller(server_, 1).add("second", kNode + 16));
  const std::uint32_t first = handle_;
  const std::uint32_t second = caller_.find("second");
  while (read_now()) {
  }
  send_oneway(1);
  handle_ = second;
  send_oneway(2);
  handle_ = first;
  EXPECT_TRUE(server_.readable());
  int calls = 0;
  for (int reads = 0; reads < 8 && server_.readable(); ++reads) {
    const auto read = read_now();
    ASSERT_TRUE(read) << "readable, but a read would block";
    if (const auto call = find_command(*read, BR_TRANSACTION)) {
      ++calls;
      free_buffer(*call);
    }
  }
  EXPECT_EQ(calls, 2);
  EXPECT_FALSE(server_.readable());
  EXPECT_FALSE(read_now());
}

TEST_F(Readiness, WorkThatAWaitingThreadTakesNeverShows) {
  for (std::uint32_t round = 1; round <= 50; ++round) {
    server_.begin_write_read(2, 2, {}, kRead);
    EXPECT_FALSE(server_.readable());
    send_oneway(round);
    std::vector<std::byte> read;
    ASSERT_EQ(server_.end_write_read(2, &read), 0);
    EXPECT_FALSE(server_.readable());
    auto call = find_command(read, BR_TRANSACTION);
    if (!call) {
      const auto more = read_now();
      ASSERT_TRUE(more);
      call = find_command(*more, BR_TRANSACTION);
    }
    ASSERT_TRUE(call);
    free_buffer(*call);
    EXPECT_FALSE(server_.readable());
  }
}

TEST_F(Readiness, TheNextOnewayCallShowsWhenTheOneBeforeItIsDone) {
  send_oneway(1);
  send_oneway(2);
  const auto read = read_now();
  ASSERT_TRUE(read);
  const auto first = find_command(*read, BR_TRANSACTION);
  ASSERT_TRUE(first);
  EXPECT_FALSE(server_.readable());
  free_buffer(*first);
  EXPECT_TRUE(server_.readable());
  const auto next = read_now();
  ASSERT_TRUE(next);
  EXPECT_TRUE(find_command(*next, BR_TRANSACTION));
  EXPECT_FALSE(server_.readable());
}

TEST_F(Readiness, TheAgentsEndMakesItReadable) {
  AgentProcess other;
  ChannelClient client(other.socket());
  ASSERT_EQ(client.error(), 0);
  EXPECT_FALSE(client.readable());
  other.end();
  EXPECT_TRUE(is_hung_up(client.socket()));
}

}  // namespace
}  // namespace netbinder::testing
