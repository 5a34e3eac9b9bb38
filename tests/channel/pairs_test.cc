// SPDX-License-Identifier: Apache-2.0
//
// Both halves of a pair run against each other on two threads, many times: nothing that one side
// hands to the other is ever lost. A loss would show as a wait that ends by its limit.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "channel/doorbell.h"
#include "channel/handover.h"
#include "channel/pending.h"
#include "channel/posted_read.h"
#include "channel/sleep.h"
#include "tests/channel/channel_memory.h"

namespace netbinder::testing {
namespace {

constexpr std::uint64_t kLimitNs = 20'000'000'000;
constexpr int kLimitMs = 20'000;

class ChannelPairs : public ::testing::Test {
 protected:
  ChannelPairs() : doorbell_(::eventfd(0, EFD_CLOEXEC)) {}
  ~ChannelPairs() override { ::close(doorbell_); }

  // Does what a program does.
  void request(std::uint32_t index) {
    hand_over(memory_.mailbox(index), kRequested);
    mark_pending(memory_.header(), index);
    if (must_ring(memory_.header())) ring();
  }
  bool await_done(std::uint32_t index) {
    Mailbox& box = memory_.mailbox(index);
    while (look_at(box) != kDone) {
      const int slept = sleep_while(box, kRequested, kLimitNs);
      if (slept != 0 && slept != EINTR) return false;
    }
    return true;
  }
  void ring() {
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(doorbell_, &one, sizeof one), ssize_t{sizeof one});
  }

  // Does what an agent does, until stopped; false if it was never rung for.
  template <typename Handle>
  bool serve(const std::atomic<bool>& finished, Handle handle) {
    while (!finished.load()) {
      while (take_pending(memory_.header(), handle)) {
      }
      if (!arm_doorbell(memory_.header())) continue;
      pollfd bell{.fd = doorbell_, .events = POLLIN, .revents = 0};
      if (::poll(&bell, 1, kLimitMs) != 1) return false;
      std::uint64_t rung = 0;
      EXPECT_EQ(::read(doorbell_, &rung, sizeof rung), ssize_t{sizeof rung});
      disarm_doorbell(memory_.header());
    }
    return true;
  }

  ChannelMemory memory_;
  int doorbell_;
};

TEST_F(ChannelPairs, NoRequestAndNoResponseIsLost) {
  constexpr std::uint32_t kThreads = 3;
  constexpr std::uint64_t kRounds = 3'000;
  std::atomic<bool> finished = false;
  std::thread agent([&] {
    EXPECT_TRUE(serve(finished, [&](std::uint32_t index) {
      Mailbox& box = memory_.mailbox(index);
      if (look_at(box) != kRequested) return;
      // Plain memory, which the states hand over.
      box.response.write_consumed = box.request.address + 1;
      hand_over(box, kDone);
      (void)wake_sleeper(box);
    }));
  });
  std::vector<std::thread> program;
  for (std::uint32_t thread = 0; thread < kThreads; ++thread) {
    program.emplace_back([&, index = thread * 100] {
      Mailbox& box = memory_.mailbox(index);
      for (std::uint64_t round = 0; round < kRounds; ++round) {
        box.request.address = round;
        request(index);
        ASSERT_TRUE(await_done(index)) << "round " << round;
        ASSERT_EQ(box.response.write_consumed, round + 1);
        hand_over(box, kIdle);
      }
    });
  }
  for (std::thread& thread : program) thread.join();
  finished.store(true);
  ring();
  agent.join();
}

// The agent allows a read to be posted with one response, and asks for it when there is something
// to be read, at any moment.
TEST_F(ChannelPairs, NoPostedReadIsLost) {
  constexpr std::uint32_t kIndex = 5;
  constexpr std::uint64_t kRounds = 3'000;
  Mailbox& box = memory_.mailbox(kIndex);
  std::atomic<std::uint64_t> answered = 0;
  std::atomic<bool> failed = false;
  std::thread program([&] {
    for (std::uint64_t round = 0; round < kRounds; ++round) {
      box.request.address = round;
      hand_over(box, kRequested);
      if (!may_stay_silent(box)) mark_pending(memory_.header(), kIndex);
      if (!await_done(kIndex)) {
        failed.store(true);
        return;
      }
    }
  });
  std::uint64_t in_vain = 0;
  while (answered.load() < kRounds && !failed.load()) {
    bool there = false;
    take_pending(memory_.header(), [&](std::uint32_t) { there = true; });
    forbid_posting(box);
    there = posted_read_is_there(box) || there;
    if (!there || look_at(box) != kRequested) {
      ++in_vain;
      std::this_thread::yield();
      continue;
    }
    EXPECT_EQ(box.request.address, answered.load());
    answered.fetch_add(1);
    allow_posting(box);
    hand_over(box, kDone);
    (void)wake_sleeper(box);
  }
  program.join();
  EXPECT_FALSE(failed.load()) << "a read was neither marked nor found, after " << answered.load();
}

// The same where the agent looks once only, and must be told of the read if it did not find it.
TEST_F(ChannelPairs, AReadThatIsNotFoundIsMarked) {
  constexpr int kRounds = 3'000;
  constexpr std::uint32_t kIndex = 9;
  Mailbox& box = memory_.mailbox(kIndex);
  std::atomic<int> turn = 0;
  std::atomic<int> made = 0;
  std::thread program([&] {
    for (int round = 1; round <= kRounds; ++round) {
      while (turn.load(std::memory_order_acquire) != round) {
      }
      hand_over(box, kRequested);
      if (!may_stay_silent(box)) mark_pending(memory_.header(), kIndex);
      made.store(round, std::memory_order_release);
    }
  });
  int lost = 0;
  for (int round = 1; round <= kRounds; ++round) {
    hand_over(box, kIdle);
    allow_posting(box);
    turn.store(round, std::memory_order_release);
    for (int pause = round % 32; pause > 0; --pause)
      std::atomic_signal_fence(std::memory_order_seq_cst);
    forbid_posting(box);
    const bool found = posted_read_is_there(box);
    while (made.load(std::memory_order_acquire) != round) std::this_thread::yield();
    const bool marked = take_pending(memory_.header(), [](std::uint32_t) {});
    if (!found && !marked) ++lost;
  }
  program.join();
  EXPECT_EQ(lost, 0);
}

}  // namespace
}  // namespace netbinder::testing
