// SPDX-License-Identifier: Apache-2.0
#include "shim/staging.h"

#include <gtest/gtest.h>
#include <linux/android/binder.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "channel/layout.h"
#include "shim/descriptor.h"
#include "shim/start.h"
#include "shim/user_memory.h"

namespace netbinder {
namespace {

class Staging : public ::testing::Test {
 protected:
  Staging() {
    start_shim();
    channel_ = ::memfd_create("channel", MFD_CLOEXEC);
    EXPECT_EQ(::ftruncate(channel_, static_cast<off_t>(kChannelBytes)), 0);
    descriptor_->helpers[kHelloChannelMemory].store(channel_);
    EXPECT_TRUE(descriptor_->memory.begin(channel_));
    mailbox_ = descriptor_->memory.mailbox(channel_, kIndex);
  }
  ~Staging() override {
    descriptor_->memory.end();
    ::close(channel_);
  }

  void add(std::uint32_t command, const void* payload, std::size_t size) {
    const std::size_t start = commands_.size();
    commands_.resize(start + sizeof command + size);
    std::memcpy(commands_.data() + start, &command, sizeof command);
    if (size != 0) std::memcpy(commands_.data() + start + sizeof command, payload, size);
  }
  void add_transaction(const std::string& data, const std::vector<binder_size_t>& offsets = {}) {
    binder_transaction_data transaction{};
    transaction.data_size = data.size();
    transaction.offsets_size = offsets.size() * sizeof(binder_size_t);
    transaction.data.ptr.buffer = address_of(data.data());
    transaction.data.ptr.offsets = address_of(offsets.data());
    add(BC_TRANSACTION, &transaction, sizeof transaction);
  }
  std::uint64_t stage() {
    stager_.emplace(*descriptor_, *mailbox_, kIndex);
    return stage_transactions(*stager_, commands_.data(), address_of(commands_.data()),
                              commands_.size());
  }
  [[nodiscard]] StagedRange range(std::uint32_t number) const {
    StagedRange found;
    if (number < kInlineRanges) return mailbox_->staged[number];
    const std::uint64_t place = staging_start(kIndex) + overflow_range_place(number);
    EXPECT_EQ(::pread(channel_, &found, sizeof found, static_cast<off_t>(place)),
              ssize_t{sizeof found});
    return found;
  }
  // The bytes that the agent would find at an address.
  std::string staged(const void* address, std::size_t size) {
    for (std::uint32_t i = 0; i < stager_->ranges(); ++i) {
      const StagedRange found = range(i);
      if (address_of(address) < found.address ||
          address_of(address) + size > found.address + found.size)
        continue;
      std::string bytes(size, '\0');
      const std::uint64_t place =
          (found.place & ~kLargePlace) + (address_of(address) - found.address);
      if ((found.place & kLargePlace) == 0) {
        std::memcpy(bytes.data(), mailbox_->staging + place, size);
      } else {
        EXPECT_EQ(::pread(channel_, bytes.data(), size,
                          static_cast<off_t>(staging_start(kIndex) + place)),
                  static_cast<ssize_t>(size));
      }
      return bytes;
    }
    return "not staged";
  }

  static constexpr std::uint32_t kIndex = 3;
  int channel_ = -1;
  std::unique_ptr<Descriptor> descriptor_ = std::make_unique<Descriptor>();
  Mailbox* mailbox_ = nullptr;
  std::vector<std::byte> commands_;
  std::optional<Stager> stager_;
};

TEST_F(Staging, PayloadsInTheOrderInWhichTheyAreRead) {
  const std::string first = "a small payload";
  const std::vector<binder_size_t> offsets{0, 8};
  const std::string second(100, 'x');
  const std::uint32_t handle = 1;
  add(BC_ACQUIRE, &handle, sizeof handle);
  add_transaction(first, offsets);
  add(BC_ENTER_LOOPER, nullptr, 0);
  add_transaction(second);
  EXPECT_EQ(stage(), commands_.size());
  ASSERT_EQ(stager_->ranges(), 3U);
  EXPECT_EQ(range(0).address, address_of(offsets.data()));
  EXPECT_EQ(range(1).address, address_of(first.data()));
  EXPECT_EQ(range(2).address, address_of(second.data()));
  EXPECT_EQ(staged(first.data(), first.size()), first);
  EXPECT_EQ(std::memcmp(staged(offsets.data(), 16).data(), offsets.data(), 16), 0);
  EXPECT_EQ(staged(second.data(), second.size()), second);
}

TEST_F(Staging, WhatDoesNotFitIntoTheMailboxIsBehindIt) {
  const std::string data(kInlineStagingBytes - 16, 'x');
  const std::vector<binder_size_t> offsets{0, 1 << 20};
  add_transaction(data, offsets);
  const std::string more = "m";
  add_transaction(more);
  stage();
  EXPECT_EQ(stager_->ranges(), 3U);
  EXPECT_EQ(range(1).place & kLargePlace, 0U);
  EXPECT_NE(range(2).place & kLargePlace, 0U);
  EXPECT_EQ(staged(data.data(), data.size()), data);
  EXPECT_EQ(staged(more.data(), 1), more);
}

TEST_F(Staging, MoreRangesThanTheMailboxHolds) {
  std::vector<std::string> texts;
  for (std::uint32_t i = 0; i < 3 * kInlineRanges; ++i) texts.push_back("text " + std::to_string(i));
  for (const std::string& text : texts) add_transaction(text);
  EXPECT_EQ(stage(), commands_.size());
  EXPECT_EQ(stager_->ranges(), texts.size());
  for (const std::string& text : texts) EXPECT_EQ(staged(text.data(), text.size()), text);
}

TEST_F(Staging, WhatHasNoRoomWaitsForTheNextRequest) {
  const std::string large(4U << 20, 'l');
  add_transaction(large);
  const std::size_t second = commands_.size();
  add_transaction(large);
  EXPECT_EQ(stage(), second);
  EXPECT_EQ(stager_->ranges(), 1U);
  // By itself it has to go as far as there is room.
  const std::string larger(kStagingBytes, 'l');
  commands_.clear();
  add_transaction(larger);
  EXPECT_EQ(stage(), commands_.size());
  EXPECT_EQ(stager_->ranges(), 0U);
}

TEST_F(Staging, BuffersAndDescriptorsOfObjects) {
  const std::string buffer(300'000, 'b');
  std::vector<int> fds(300);
  for (std::size_t i = 0; i < fds.size(); ++i) fds[i] = static_cast<int>(i % 7);
  std::string data(5000, 'd');
  const binder_buffer_object object{.hdr = {.type = BINDER_TYPE_PTR},
                                    .flags = 0,
                                    .buffer = address_of(buffer.data()),
                                    .length = buffer.size(),
                                    .parent = 0,
                                    .parent_offset = 0};
  std::memcpy(data.data() + 8, &object, sizeof object);
  binder_fd_object file{};
  file.hdr.type = BINDER_TYPE_FD;
  file.fd = 9;
  std::memcpy(data.data() + 64, &file, sizeof file);
  binder_buffer_object holder = object;
  holder.buffer = address_of(fds.data());
  holder.length = fds.size() * sizeof(int);
  std::memcpy(data.data() + 96, &holder, sizeof holder);
  binder_fd_array_object array{};
  array.hdr.type = BINDER_TYPE_FDA;
  array.num_fds = fds.size();
  array.parent = 2;
  std::memcpy(data.data() + 160, &array, sizeof array);
  // The last one is out of bounds, which is for the agent to say.
  const std::vector<binder_size_t> offsets{8, 64, 96, 160, 1 << 20};
  add_transaction(data, offsets);
  EXPECT_EQ(stage(), commands_.size());
  EXPECT_EQ(staged(data.data(), data.size()), data);
  EXPECT_EQ(staged(buffer.data(), buffer.size()), buffer);
  std::vector<int> expected{9};
  expected.insert(expected.end(), fds.begin(), fds.end());
  EXPECT_TRUE(std::ranges::equal(stager_->files(), expected));
}

TEST_F(Staging, BadPointersAreLeftToTheAgent) {
  binder_transaction_data transaction{};
  transaction.data_size = 1'000'000;
  transaction.data.ptr.buffer = 8;
  add(BC_TRANSACTION, &transaction, sizeof transaction);
  transaction.data_size = 100;
  add(BC_REPLY, &transaction, sizeof transaction);
  EXPECT_EQ(stage(), commands_.size());
  EXPECT_EQ(stager_->ranges(), 0U);
}

TEST_F(Staging, CutOffCommands) {
  const std::uint32_t command = BC_FREE_BUFFER;
  add(command, nullptr, 0);
  EXPECT_EQ(stage(), 12U);
  commands_.resize(2);  // what follows is still there: the driver reads the command to its end
  EXPECT_EQ(stage(), 12U);
}

}  // namespace
}  // namespace netbinder
