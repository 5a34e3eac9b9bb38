// SPDX-License-Identifier: Apache-2.0
#include "shim/staging.h"

#include <linux/android/binder.h>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "channel/layout.h"
#include "shim/user_memory.h"

namespace netbinder {
namespace {

using Result = Stager::Result;

constexpr std::uint64_t round_up(std::uint64_t value) { return (value + 7) & ~std::uint64_t{7}; }

bool is_transaction(std::uint32_t command) {
  return command == BC_TRANSACTION || command == BC_REPLY || command == BC_TRANSACTION_SG ||
         command == BC_REPLY_SG;
}

// This much of a staging area stays in memory for the next request.
constexpr std::uint64_t kKeptBytes = 1U << 20;

// The object at an offset of a payload, if all of it can be read.
template <typename Object>
bool read_object(const binder_transaction_data& transaction, binder_size_t offset, Object& object) {
  return transaction.data_size >= sizeof object &&
         offset <= transaction.data_size - sizeof object &&
         read_user(&object, transaction.data.ptr.buffer + offset, sizeof object);
}

bool read_offset(const binder_transaction_data& transaction, std::uint64_t i,
                 binder_size_t& offset) {
  return i < transaction.offsets_size / sizeof offset &&
         read_user(&offset, transaction.data.ptr.offsets + i * sizeof offset, sizeof offset);
}

Result stage_file_array(Stager& stager, const binder_transaction_data& transaction,
                        const binder_fd_array_object& array) {
  binder_size_t offset = 0;
  binder_buffer_object parent;
  if (!read_offset(transaction, array.parent, offset) ||
      !read_object(transaction, offset, parent) || parent.hdr.type != BINDER_TYPE_PTR) {
    return Result::kUnreadable;
  }
  for (std::uint64_t i = 0; i < array.num_fds; ++i) {
    int fd = -1;
    if (!read_user(&fd, parent.buffer + array.parent_offset + i * sizeof fd, sizeof fd)) {
      return Result::kUnreadable;
    }
    if (stager.stage_file(fd) == Result::kNoRoom) return Result::kNoRoom;
  }
  return Result::kStaged;
}

// The agent checks everything that objects say; here they must only do no harm.
Result stage_object(Stager& stager, const binder_transaction_data& transaction,
                    binder_size_t offset) {
  binder_object_header header;
  if (!read_object(transaction, offset, header)) return Result::kUnreadable;
  switch (header.type) {
    case BINDER_TYPE_PTR: {
      binder_buffer_object buffer;
      if (!read_object(transaction, offset, buffer)) return Result::kUnreadable;
      return stager.stage(buffer.buffer, buffer.length);
    }
    case BINDER_TYPE_FD: {
      binder_fd_object file;
      if (!read_object(transaction, offset, file)) return Result::kUnreadable;
      return stager.stage_file(static_cast<int>(file.fd));
    }
    case BINDER_TYPE_FDA: {
      binder_fd_array_object array;
      if (!read_object(transaction, offset, array)) return Result::kUnreadable;
      return stage_file_array(stager, transaction, array);
    }
    default:
      return Result::kStaged;
  }
}

// In the order in which the driver reads.
Result stage_transaction(Stager& stager, const binder_transaction_data& transaction) {
  // Stages both in any case: the error that the driver gives depends on which cannot be read.
  const Result offsets = stager.stage(transaction.data.ptr.offsets, transaction.offsets_size);
  const Result data = stager.stage(transaction.data.ptr.buffer, transaction.data_size);
  if (offsets == Result::kNoRoom || data == Result::kNoRoom) return Result::kNoRoom;
  if (offsets != Result::kStaged || data != Result::kStaged) return Result::kUnreadable;
  for (std::uint64_t i = 0; i < transaction.offsets_size / sizeof(binder_size_t); ++i) {
    binder_size_t offset = 0;
    if (!read_offset(transaction, i, offset)) return Result::kUnreadable;
    const Result object = stage_object(stager, transaction, offset);
    if (object != Result::kStaged) return object;
  }
  return Result::kStaged;
}

}  // namespace

Stager::Result Stager::stage(std::uint64_t address, std::uint64_t bytes) {
  if (bytes == 0) return Result::kStaged;
  if (ranges_ == kMaxStagedRanges) return Result::kNoRoom;
  if (bytes > kInlineStagingBytes - inline_used_) return stage_large(address, bytes);
  if (!read_user(mailbox_.staging + inline_used_, address, bytes)) return Result::kUnreadable;
  if (!add({.address = address,
            .size = static_cast<std::uint32_t>(bytes),
            .place = inline_used_})) {
    return Result::kNoRoom;
  }
  inline_used_ = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(round_up(inline_used_ + bytes), kInlineStagingBytes));
  return Result::kStaged;
}

Stager::Result Stager::stage_large(std::uint64_t address, std::uint64_t bytes) {
  const std::uint64_t end =
      overflow_range_place(std::max(ranges_ + 1, kInlineRanges));  // the table stays clear
  if (large_used_ > end || bytes > end - large_used_) return Result::kNoRoom;
  if (!copy_to_area(large_used_, address, bytes)) return Result::kUnreadable;
  if (!add({.address = address,
            .size = static_cast<std::uint32_t>(bytes),
            .place = kLargePlace | static_cast<std::uint32_t>(large_used_)})) {
    return Result::kNoRoom;
  }
  large_used_ += round_up(bytes);
  return Result::kStaged;
}

bool Stager::add(const StagedRange& range) {
  if (ranges_ < kInlineRanges) {
    mailbox_.staged[ranges_++] = range;
    return true;
  }
  const std::uint64_t place = overflow_range_place(ranges_);
  if (place < large_used_ ||
      !copy_to_area(place, address_of(&range), sizeof range)) {
    return false;
  }
  ++ranges_;
  return true;
}

bool Stager::copy_to_area(std::uint64_t place, std::uint64_t address, std::uint64_t bytes) {
  const int memory = descriptor_.helper(kHelloChannelMemory);
  if (std::byte* const area = descriptor_.memory.staging_area(memory, index_)) {
    return read_user(area + place, address, bytes);
  }
  // There is no room to map it.
  const int saved_errno = errno;
  const std::uint64_t start = staging_start(index_) + place;
  std::uint64_t done = 0;
  while (done < bytes) {
    const ssize_t written = ::pwrite(memory, reinterpret_cast<const void*>(address + done),
                                     bytes - done, static_cast<off_t>(start + done));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    done += static_cast<std::uint64_t>(written);
  }
  errno = saved_errno;
  return done == bytes;
}

Stager::~Stager() {
  if (large_used_ > kKeptBytes || ranges_ > kInlineRanges) {
    descriptor_.memory.trim_staging(index_, kKeptBytes);
  }
}

Stager::Result Stager::stage_file(int fd) {
  if (file_count_ == kMaxPassedFds) return Result::kNoRoom;
  files_[file_count_++] = fd;
  return Result::kStaged;
}

void Stager::go_back(const Mark& mark) {
  ranges_ = mark.ranges;
  inline_used_ = mark.inline_used;
  large_used_ = mark.large_used;
  file_count_ = mark.file_count;
}

std::uint64_t stage_transactions(Stager& stager, const std::byte* commands, std::uint64_t address,
                                 std::uint64_t bytes) {
  const auto fetch = [&](std::uint64_t position, void* into, std::size_t size) {
    // The driver reads the last command to its end, even beyond the size that was given.
    if (commands == nullptr || position > bytes || size > bytes - position) {
      return read_user(into, address + position, size);
    }
    std::memcpy(into, commands + position, size);
    return true;
  };
  bool first = true;
  std::uint64_t position = 0;
  while (position < bytes) {
    std::uint32_t command = 0;
    if (!fetch(position, &command, sizeof command)) return position + sizeof command;
    binder_transaction_data transaction;
    if (is_transaction(command) &&
        fetch(position + sizeof command, &transaction, sizeof transaction)) {
      const Stager::Mark mark = stager.mark();
      if (stage_transaction(stager, transaction) == Result::kNoRoom && !first) {
        stager.go_back(mark);
        return position;
      }
      first = false;
    }
    position += sizeof command + _IOC_SIZE(command);
  }
  return position;
}

}  // namespace netbinder
