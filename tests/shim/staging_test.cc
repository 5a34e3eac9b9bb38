// SPDX-License-Identifier: Apache-2.0
#include "shim/staging.h"

#include <gtest/gtest.h>
#include <linux/android/binder.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "channel/layout.h"
#include "shim/start.h"

namespace netbinder {
namespace {

std::uint64_t at(const void* pointer) { return reinterpret_cast<std::uint64_t>(pointer); }

class Staging : public testing::Test {
 protected:
  Staging() {
    start_shim();
    channel_ = ::memfd_create("channel", MFD_CLOEXEC);
    EXPECT_EQ(::ftruncate(channel_, static_cast<off_t>(kChannelBytes)), 0);
  }
  ~Staging() override { ::close(channel_); }

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
    transaction.data.ptr.buffer = at(data.data());
    transaction.data.ptr.offsets = at(offsets.data());
    add(BC_TRANSACTION, &transaction, sizeof transaction);
  }
  std::uint64_t stage(bool everything) {
    Stager stager(*mailbox_, kIndex, everything ? channel_ : -1);
    const std::uint64_t end = stage_transactions(stager, commands_.data(), at(commands_.data()),
                                                 commands_.size(), everything);
    ranges_ = stager.ranges();
    return end;
  }
  // The bytes that the agent would find at an address.
  std::string staged(const void* address, std::size_t size) {
    for (std::uint32_t i = 0; i < ranges_; ++i) {
      const StagedRange& range = mailbox_->staged[i];
      if (at(address) < range.address || at(address) + size > range.address + range.size) continue;
      std::string bytes(size, '\0');
      const std::uint64_t place = (range.place & ~kLargePlace) + (at(address) - range.address);
      if ((range.place & kLargePlace) == 0) {
        std::memcpy(bytes.data(), mailbox_->staging + place, size);
      } else {
        const std::uint64_t start = kStagingStart + kIndex * kStagingBytes + place;
        EXPECT_EQ(::pread(channel_, bytes.data(), size, static_cast<off_t>(start)),
                  static_cast<ssize_t>(size));
      }
      return bytes;
    }
    return "not staged";
  }

  static constexpr std::uint64_t kIndex = 3;
  int channel_ = -1;
  std::unique_ptr<Mailbox> mailbox_ = std::make_unique<Mailbox>();
  std::vector<std::byte> commands_;
  std::uint32_t ranges_ = 0;
};

TEST_F(Staging, SmallPayloads) {
  const std::string first = "a small payload";
  const std::vector<binder_size_t> offsets{0, 8};
  const std::string second(100, 'x');
  const std::uint32_t handle = 1;
  add(BC_ACQUIRE, &handle, sizeof handle);
  add_transaction(first, offsets);
  add(BC_ENTER_LOOPER, nullptr, 0);
  add_transaction(second);
  EXPECT_EQ(stage(false), commands_.size());
  EXPECT_EQ(ranges_, 3U);
  EXPECT_EQ(staged(first.data(), first.size()), first);
  EXPECT_EQ(std::memcmp(staged(offsets.data(), 16).data(), offsets.data(), 16), 0);
  EXPECT_EQ(staged(second.data(), second.size()), second);
}

TEST_F(Staging, BothOrNeither) {
  const std::string data(kInlineStagingBytes - 8, 'x');
  const std::vector<binder_size_t> offsets{0, 8};
  add_transaction(data, offsets);
  stage(false);
  EXPECT_EQ(ranges_, 0U);
}

TEST_F(Staging, ExactlyAsMuchAsThereIsRoomFor) {
  const std::string data(kInlineStagingBytes - 16, 'x');
  const std::vector<binder_size_t> offsets{0, 8};
  add_transaction(data, offsets);
  const std::string more = "x";
  add_transaction(more);
  stage(false);
  EXPECT_EQ(ranges_, 2U);
  EXPECT_EQ(staged(data.data(), data.size()), data);
  EXPECT_EQ(staged(more.data(), 1), "not staged");
}

TEST_F(Staging, NoMoreRangesThanThereAre) {
  const std::string data = "12345678";
  for (std::uint32_t i = 0; i < kMaxStagedRanges + 5; ++i) add_transaction(data);
  stage(false);
  EXPECT_EQ(ranges_, kMaxStagedRanges);
}

TEST_F(Staging, EverythingWithBuffers) {
  const std::string buffer(300'000, 'b');
  std::string data(5000, 'd');
  binder_buffer_object object{};
  object.hdr.type = BINDER_TYPE_PTR;
  object.buffer = at(buffer.data());
  object.length = buffer.size();
  std::memcpy(data.data() + 8, &object, sizeof object);
  // The second one is out of bounds, which is for the agent to say.
  const std::vector<binder_size_t> offsets{8, 1 << 20};
  add_transaction(data, offsets);
  EXPECT_EQ(stage(true), commands_.size());
  EXPECT_EQ(staged(data.data(), data.size()), data);
  EXPECT_EQ(std::memcmp(staged(offsets.data(), 16).data(), offsets.data(), 16), 0);
  EXPECT_EQ(staged(buffer.data(), buffer.size()), buffer);
}

TEST_F(Staging, BadPointersAreLeftToTheAgent) {
  binder_transaction_data transaction{};
  transaction.data_size = 1'000'000;
  transaction.data.ptr.buffer = 8;
  add(BC_TRANSACTION, &transaction, sizeof transaction);
  transaction.data_size = 100;
  add(BC_REPLY, &transaction, sizeof transaction);
  EXPECT_EQ(stage(true), commands_.size());
  EXPECT_EQ(stage(false), commands_.size());
  EXPECT_EQ(ranges_, 0U);
}

TEST_F(Staging, CutOffCommands) {
  const std::uint32_t command = BC_FREE_BUFFER;
  add(command, nullptr, 0);
  EXPECT_EQ(stage(false), 12U);
  commands_.resize(2);  // what follows is still there: the driver reads the command to its end
  EXPECT_EQ(stage(false), 12U);
}

}  // namespace
}  // namespace netbinder
