// SPDX-License-Identifier: Apache-2.0
#include "core/model/buffer_allocator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <numeric>
#include <set>
#include <vector>

namespace netbinder {
namespace {

using Space = Buffer::Space;

constexpr std::uint64_t kArena = 64 * 1024;

TEST(BufferAllocator, RefusesBeforeItHasAnArena) {
  BufferAllocator allocator;
  EXPECT_EQ(allocator.allocate({8, 0, 0}, Space::kSync, 1).error(), -ESRCH);
}

TEST(BufferAllocator, RefusesSizesThatOverflow) {
  BufferAllocator allocator;
  allocator.map(kArena);
  EXPECT_EQ(allocator.allocate({UINT64_MAX, 0, 0}, Space::kSync, 1).error(), -EINVAL);
  EXPECT_EQ(allocator.allocate({UINT64_MAX - 15, 16, 0}, Space::kSync, 1).error(), -EINVAL);
  EXPECT_EQ(allocator.allocate({kArena + 1, 0, 0}, Space::kSync, 1).error(), -ENOSPC);
}

TEST(BufferAllocator, GivesTheWholeArenaAndAnEmptyBufferAPlace) {
  BufferAllocator allocator;
  allocator.map(kArena);
  auto whole = allocator.allocate({kArena, 0, 0}, Space::kSync, 1);
  ASSERT_TRUE(whole);
  EXPECT_EQ(allocator.allocate({0, 0, 0}, Space::kSync, 1).error(), -ENOSPC);
  allocator.release(*whole);
  auto a = allocator.allocate({0, 0, 0}, Space::kSync, 1);
  auto b = allocator.allocate({0, 0, 0}, Space::kSync, 1);
  ASSERT_TRUE(a && b);
  EXPECT_NE((*a)->offset(), (*b)->offset());
}

TEST(BufferAllocator, TakesTheSmallestHoleThatFits) {
  BufferAllocator allocator;
  allocator.map(kArena);
  std::vector<Buffer*> buffers;
  for (const std::uint64_t size : {4096U, 64U, 1024U, 64U, 256U, 64U}) {
    buffers.push_back(*allocator.allocate({size, 0, 0}, Space::kSync, 1));
  }
  const std::uint64_t hole = buffers[4]->offset();
  for (const int i : {0, 2, 4}) allocator.release(buffers[static_cast<std::size_t>(i)]);
  EXPECT_EQ((*allocator.allocate({200, 0, 0}, Space::kSync, 1))->offset(), hole);
  allocator.check_invariants();
}

TEST(BufferAllocator, OnewayCallsGetHalfTheArena) {
  BufferAllocator allocator;
  allocator.map(kArena);
  auto half = allocator.allocate({kArena / 2, 0, 0}, Space::kAsync, 1);
  ASSERT_TRUE(half);
  EXPECT_EQ(allocator.allocate({8, 0, 0}, Space::kAsync, 1).error(), -ENOSPC);
  EXPECT_TRUE(allocator.allocate({8, 0, 0}, Space::kSync, 1));
  allocator.release(*half);
  EXPECT_EQ(allocator.free_async_space(), kArena / 2);
}

TEST(BufferAllocator, SuspectsASenderThatFillsTheHalfAndSaysSoOnce) {
  BufferAllocator allocator;
  allocator.map(kArena);
  std::vector<Buffer*> buffers;
  int suspected = 0;
  while (auto buffer = allocator.allocate({512, 0, 0}, Space::kAsync, 7)) {
    suspected += (*buffer)->spam_suspect() ? 1 : 0;
    buffers.push_back(*buffer);
  }
  EXPECT_EQ(suspected, 1);
  for (Buffer* buffer : buffers) allocator.release(buffer);
  allocator.check_invariants();
}

TEST(BufferAllocator, SuspectsASenderOfAFewLargeCallsAndNoOtherThatComesThen) {
  BufferAllocator allocator;
  allocator.map(kArena);
  std::vector<Buffer*> buffers;
  const auto suspected = [&](std::uint64_t bytes, std::int32_t sender) {
    buffers.push_back(*allocator.allocate({bytes, 0, 0}, Space::kAsync, sender));
    return buffers.back()->spam_suspect();
  };
  EXPECT_FALSE(suspected(14 * 1024, 7));
  EXPECT_FALSE(suspected(3 * 1024, 7));
  EXPECT_FALSE(suspected(7 * 1024, 8));
  EXPECT_FALSE(suspected(2 * 1024, 9)) << "little is left, but this is not its fault";
  EXPECT_TRUE(suspected(8, 7));
  for (Buffer* buffer : buffers) allocator.release(buffer);
  allocator.check_invariants();
}

// Every order of releasing every mix of sizes around a page and its neighbours: afterwards the
// arena is one free buffer again.
TEST(BufferAllocator, MergesBackToOneBufferWhateverTheOrder) {
  const std::vector<std::vector<std::uint64_t>> mixes = {
      {4096, 4096, 4096, 4096, 4096}, {8, 4088, 4096, 4104, 16}, {1, 2, 3, 4, 5},
      {4095, 4097, 8191, 8193, 1},    {0, 0, 0, 0, 0},           {16384, 8, 8192, 24, 4096}};
  for (const auto& sizes : mixes) {
    std::vector<std::size_t> order(sizes.size());
    std::iota(order.begin(), order.end(), 0);
    do {
      BufferAllocator allocator;
      allocator.map(kArena);
      std::vector<Buffer*> buffers;
      for (const std::uint64_t size : sizes) {
        auto buffer = allocator.allocate({size, 0, 0}, Space::kSync, 1);
        ASSERT_TRUE(buffer);
        EXPECT_EQ((*buffer)->offset() % 8, 0U);
        EXPECT_EQ(allocator.find((*buffer)->offset()), *buffer);
        buffers.push_back(*buffer);
      }
      for (const std::size_t i : order) {
        const std::uint64_t offset = buffers[i]->offset();
        allocator.release(buffers[i]);
        EXPECT_EQ(allocator.find(offset), nullptr);
        allocator.check_invariants();
      }
      EXPECT_TRUE(allocator.allocate({kArena, 0, 0}, Space::kSync, 1));
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

// Five buffers, each of which ends just before a page's end, at it, just behind it, or on the next
// page: every mix of ends, given back in every order. The pages under them are counted, and one
// free buffer remains.
TEST(BufferAllocator, CountsItsPagesAndMergesBackForEveryMixOfEndsAndOrders) {
  constexpr std::uint64_t kPage = 4096;
  constexpr std::array<std::int64_t, 4> kEnds = {-8, 0, 8,
                                                 kPage};  // from the end of a buffer's page
  constexpr std::size_t kBuffers = 5;
  for (unsigned mix = 0; mix < 1024; ++mix) {  // 4 to the power of 5
    std::array<std::uint64_t, kBuffers> sizes{};
    std::uint64_t end = 0;
    for (std::size_t i = 0; i < kBuffers; ++i) {
      const std::uint64_t page_end = (end / kPage + 1) * kPage;
      std::uint64_t next = page_end + static_cast<std::uint64_t>(kEnds[(mix >> (2 * i)) % 4]);
      if (next <= end) next += kPage;
      sizes[i] = next - end;
      end = next;
    }
    std::array<std::size_t, kBuffers> order{};
    std::iota(order.begin(), order.end(), 0);
    do {
      BufferAllocator allocator;
      allocator.map(kArena);
      std::array<Buffer*, kBuffers> buffers{};
      std::uint64_t expected = 0;
      for (std::size_t i = 0; i < kBuffers; ++i) {
        auto buffer = allocator.allocate({sizes[i], 0, 0}, Space::kSync, 1);
        ASSERT_TRUE(buffer);
        ASSERT_EQ((*buffer)->offset(), expected) << "one behind the other";
        expected += sizes[i];
        buffers[i] = *buffer;
      }
      const auto full = allocator.pages();
      ASSERT_EQ(full.used, (expected + kPage - 1) / kPage);
      for (std::size_t freed = 0; freed < kBuffers; ++freed) {
        allocator.release(buffers[order[freed]]);
        buffers[order[freed]] = nullptr;
        std::set<std::uint64_t> under;
        for (std::size_t i = 0, offset = 0; i < kBuffers; offset += sizes[i], ++i) {
          if (buffers[i] == nullptr) continue;
          for (std::uint64_t page = offset / kPage; page <= (offset + sizes[i] - 1) / kPage;
               ++page) {
            under.insert(page);
          }
        }
        ASSERT_EQ(allocator.pages().used, under.size());
        ASSERT_EQ(allocator.pages().used + allocator.pages().kept, full.used)
            << "a page once under a buffer stays";
        if (mix % 64 == 0) allocator.check_invariants();
      }
      allocator.check_invariants();
      ASSERT_TRUE(allocator.allocated().empty());
      ASSERT_TRUE(allocator.allocate({kArena, 0, 0}, Space::kSync, 1)) << "one free buffer";
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

// Three buffers lent in a row, for every mix of sizes lent and used, used and given back in every
// order, with and without a neighbour behind that is in use: what is used is not touched by anybody
// else, all that is not used is free, and one free buffer remains.
TEST(BufferAllocator, GivesBackWhatALentBufferDoesNotNeedForEveryMixAndOrder) {
  constexpr std::array<std::uint64_t, 4> kLent = {8, 16, 4096, 4104};
  constexpr std::array<std::uint64_t, 5> kUsed = {0, 8, 16, 4088, 4104};
  constexpr std::size_t kBuffers = 3;
  const auto rounded = [](std::uint64_t size) { return std::max<std::uint64_t>(size, 8); };
  for (unsigned mix = 0; mix < 64 * 125; ++mix) {
    std::array<std::uint64_t, kBuffers> lent{};
    std::array<std::uint64_t, kBuffers> used{};
    for (unsigned i = 0, of_lent = mix % 64, of_used = mix / 64; i < kBuffers; ++i) {
      lent[i] = kLent[of_lent % 4];
      used[i] = kUsed[of_used % 5];
      of_lent /= 4;
      of_used /= 5;
    }
    const Space space = mix % 2 == 0 ? Space::kAsync : Space::kSync;
    const bool neighbour = mix % 3 != 0;
    std::array<std::size_t, kBuffers> order{};
    std::iota(order.begin(), order.end(), 0);
    do {
      BufferAllocator allocator;
      allocator.map(kArena);
      std::array<Buffer*, kBuffers> buffers{};
      std::uint64_t lent_space = 0;
      for (std::size_t i = 0; i < kBuffers; ++i) {
        buffers[i] = *allocator.lend({lent[i], 0, 0}, space);
        ASSERT_EQ(buffers[i]->offset(), lent_space) << "one behind the other";
        lent_space += lent[i];
      }
      Buffer* behind = neighbour ? *allocator.allocate({64, 0, 0}, Space::kSync, 1) : nullptr;
      ASSERT_EQ(allocator.lent_space(), lent_space);
      std::uint64_t in_use = 0;
      for (const std::size_t i : order) {
        const int error = allocator.use_lent(buffers[i], {used[i], 0, 0}, 1);
        ASSERT_EQ(error, used[i] > lent[i] ? -EINVAL : 0);
        if (error != 0) {
          ASSERT_EQ(allocator.lent_space(), lent_space) << "nothing has changed";
          ASSERT_EQ(buffers[i]->size(), lent[i]);
          allocator.release(buffers[i]);
          buffers[i] = nullptr;
        } else {
          ASSERT_EQ(buffers[i]->size(), rounded(used[i]));
          ASSERT_EQ(allocator.find(buffers[i]->offset()), buffers[i]);
          in_use += rounded(used[i]);
        }
        lent_space -= lent[i];
        ASSERT_EQ(allocator.lent_space(), lent_space);
        ASSERT_EQ(allocator.free_async_space(), kArena / 2 - (space == Space::kAsync ? in_use : 0));
        allocator.check_invariants();
      }
      // Behind all of them, or behind the neighbour, nothing was taken; before, all that is left.
      const auto rest = allocator.allocate({kArena - 3 * 4104 - 64, 0, 0}, Space::kSync, 1);
      ASSERT_TRUE(rest);
      allocator.release(*rest);
      for (const std::size_t i : order) {
        if (buffers[i] != nullptr) allocator.release(buffers[i]);
        allocator.check_invariants();
      }
      if (behind != nullptr) allocator.release(behind);
      ASSERT_TRUE(allocator.allocate({kArena, 0, 0}, Space::kSync, 1)) << "one free buffer";
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEST(BufferAllocator, WhatIsLentTakesSpaceAndShowsNowhere) {
  BufferAllocator allocator;
  allocator.map(kArena);
  Buffer* lent = *allocator.lend({kArena / 2, 0, 0}, Space::kAsync);
  EXPECT_EQ(allocator.allocate({8, 0, 0}, Space::kAsync, 1).error(), -ENOSPC);
  EXPECT_EQ(allocator.allocate({kArena / 2 + 8, 0, 0}, Space::kSync, 1).error(), -ENOSPC);
  EXPECT_TRUE(allocator.allocated().empty());
  EXPECT_EQ(allocator.free_async_space(), kArena / 2);
  EXPECT_EQ(allocator.pages().used, 0U);
  EXPECT_EQ(allocator.pages().kept, 0U);
  EXPECT_EQ(allocator.pages().high, 0U);
  ASSERT_EQ(allocator.use_lent(lent, {4097, 0, 0}, 1), 0);
  EXPECT_EQ(allocator.allocated().size(), 1U);
  EXPECT_EQ(allocator.free_async_space(), kArena / 2 - 4104);
  EXPECT_EQ(allocator.pages().used, 2U);
  EXPECT_EQ(allocator.pages().high, 2U);
  allocator.release(lent);
  EXPECT_EQ(allocator.pages().kept, 2U);
  Buffer* again = *allocator.lend({8, 0, 0}, Space::kSync);
  allocator.release(again);
  EXPECT_EQ(allocator.lent_space(), 0U);
  allocator.check_invariants();
}

TEST(BufferAllocator, AnotherSenderIsSuspectedWhateverIsLent) {
  // The same calls, with and without lent space between them.
  const auto suspected = [](bool lends) {
    BufferAllocator allocator;
    allocator.map(kArena);
    std::vector<std::size_t> which;
    std::size_t count = 0;
    // Room for what is lent is there until the last.
    for (; allocator.free_async_space() > 1024; ++count) {
      Buffer* lent = lends ? *allocator.lend({512, 0, 0}, Space::kAsync) : nullptr;
      Buffer* buffer = *allocator.allocate({512, 0, 0}, Space::kAsync, 7);
      if (buffer->spam_suspect()) which.push_back(count);
      if (lent != nullptr) allocator.release(lent);
    }
    return which;
  };
  EXPECT_EQ(suspected(true), suspected(false));
  EXPECT_EQ(suspected(true).size(), 1U);
}

}  // namespace
}  // namespace netbinder
