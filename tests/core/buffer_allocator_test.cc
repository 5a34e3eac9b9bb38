// SPDX-License-Identifier: Apache-2.0
#include "core/buffer_allocator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <vector>

namespace netbinder {
namespace {

constexpr std::uint64_t kArena = 64 * 1024;

TEST(BufferAllocator, RefusesBeforeItHasAnArena) {
  BufferAllocator allocator;
  EXPECT_EQ(allocator.allocate({8, 0, 0}, false, 1).error(), -ESRCH);
}

TEST(BufferAllocator, RefusesSizesThatOverflow) {
  BufferAllocator allocator;
  allocator.map(kArena);
  EXPECT_EQ(allocator.allocate({UINT64_MAX, 0, 0}, false, 1).error(), -EINVAL);
  EXPECT_EQ(allocator.allocate({UINT64_MAX - 15, 16, 0}, false, 1).error(), -EINVAL);
  EXPECT_EQ(allocator.allocate({kArena + 1, 0, 0}, false, 1).error(), -ENOSPC);
}

TEST(BufferAllocator, GivesTheWholeArenaAndAnEmptyBufferAPlace) {
  BufferAllocator allocator;
  allocator.map(kArena);
  auto whole = allocator.allocate({kArena, 0, 0}, false, 1);
  ASSERT_TRUE(whole);
  EXPECT_EQ(allocator.allocate({0, 0, 0}, false, 1).error(), -ENOSPC);
  allocator.release(*whole);
  auto a = allocator.allocate({0, 0, 0}, false, 1);
  auto b = allocator.allocate({0, 0, 0}, false, 1);
  ASSERT_TRUE(a && b);
  EXPECT_NE((*a)->offset, (*b)->offset);
}

TEST(BufferAllocator, TakesTheSmallestHoleThatFits) {
  BufferAllocator allocator;
  allocator.map(kArena);
  std::vector<Buffer*> buffers;
  for (const std::uint64_t size : {4096U, 64U, 1024U, 64U, 256U, 64U}) {
    buffers.push_back(*allocator.allocate({size, 0, 0}, false, 1));
  }
  const std::uint64_t hole = buffers[4]->offset;
  for (const int i : {0, 2, 4}) allocator.release(buffers[static_cast<std::size_t>(i)]);
  EXPECT_EQ((*allocator.allocate({200, 0, 0}, false, 1))->offset, hole);
  allocator.check_invariants();
}

TEST(BufferAllocator, OnewayCallsGetHalfTheArena) {
  BufferAllocator allocator;
  allocator.map(kArena);
  auto half = allocator.allocate({kArena / 2, 0, 0}, true, 1);
  ASSERT_TRUE(half);
  EXPECT_EQ(allocator.allocate({8, 0, 0}, true, 1).error(), -ENOSPC);
  EXPECT_TRUE(allocator.allocate({8, 0, 0}, false, 1));
  allocator.release(*half);
  EXPECT_EQ(allocator.free_async_space(), kArena / 2);
}

TEST(BufferAllocator, SuspectsASenderThatFillsTheHalfAndSaysSoOnce) {
  BufferAllocator allocator;
  allocator.map(kArena);
  std::vector<Buffer*> buffers;
  int suspected = 0;
  while (auto buffer = allocator.allocate({512, 0, 0}, true, 7)) {
    suspected += (*buffer)->spam_suspect ? 1 : 0;
    buffers.push_back(*buffer);
  }
  EXPECT_EQ(suspected, 1);
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
        auto buffer = allocator.allocate({size, 0, 0}, false, 1);
        ASSERT_TRUE(buffer);
        EXPECT_EQ((*buffer)->offset % 8, 0U);
        EXPECT_EQ(allocator.find((*buffer)->offset), *buffer);
        buffers.push_back(*buffer);
      }
      for (const std::size_t i : order) {
        const std::uint64_t offset = buffers[i]->offset;
        allocator.release(buffers[i]);
        EXPECT_EQ(allocator.find(offset), nullptr);
        allocator.check_invariants();
      }
      EXPECT_TRUE(allocator.allocate({kArena, 0, 0}, false, 1));
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

}  // namespace
}  // namespace netbinder
