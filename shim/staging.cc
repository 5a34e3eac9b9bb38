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

constexpr std::uint64_t round_up(std::uint64_t value) { return (value + 7) & ~std::uint64_t{7}; }

bool is_transaction(std::uint32_t command) {
  return command == BC_TRANSACTION || command == BC_REPLY || command == BC_TRANSACTION_SG ||
         command == BC_REPLY_SG;
}

// The i-th object of a payload, if it has that type and all of it can be read.
template <typename Object>
bool read_object(const binder_transaction_data& transaction, std::uint64_t i, std::uint32_t type,
                 Object& object) {
  binder_size_t offset = 0;
  return i < transaction.offsets_size / sizeof offset &&
         read_user(&offset, transaction.data.ptr.offsets + i * sizeof offset, sizeof offset) &&
         transaction.data_size >= sizeof object &&
         offset <= transaction.data_size - sizeof object &&
         read_user(&object, transaction.data.ptr.buffer + offset, sizeof object) &&
         object.hdr.type == type;
}

void stage_file_array(Stager& stager, const binder_transaction_data& transaction,
                      const binder_fd_array_object& array) {
  binder_buffer_object parent;
  if (!read_object(transaction, array.parent, BINDER_TYPE_PTR, parent)) return;
  for (std::uint64_t i = 0; i < array.num_fds && i < kMaxRights; ++i) {
    int fd = -1;
    if (!read_user(&fd, parent.buffer + array.parent_offset + i * sizeof fd, sizeof fd)) return;
    stager.stage_file(fd);
  }
}

// The agent checks everything that objects say; here they must only do no harm.
void stage_objects(Stager& stager, const binder_transaction_data& transaction) {
  const std::uint64_t count = transaction.offsets_size / sizeof(binder_size_t);
  for (std::uint64_t i = 0; i < count; ++i) {
    binder_buffer_object buffer;
    binder_fd_object file;
    binder_fd_array_object array;
    if (read_object(transaction, i, BINDER_TYPE_PTR, buffer)) {
      stager.stage(buffer.buffer, buffer.length);
    } else if (read_object(transaction, i, BINDER_TYPE_FD, file)) {
      stager.stage_file(static_cast<int>(file.fd));
    } else if (read_object(transaction, i, BINDER_TYPE_FDA, array)) {
      stage_file_array(stager, transaction, array);
    }
  }
}

void stage_transaction(Stager& stager, const binder_transaction_data& transaction,
                       bool everything) {
  const std::uint64_t data = transaction.data.ptr.buffer;
  const std::uint64_t offsets = transaction.data.ptr.offsets;
  if (!everything) {
    stager.stage_small(data, transaction.data_size, offsets, transaction.offsets_size);
    return;
  }
  // Stages both in any case: the error that the driver gives depends on which cannot be read.
  const bool has_data = stager.stage(data, transaction.data_size);
  const bool has_offsets = stager.stage(offsets, transaction.offsets_size);
  if (has_data && has_offsets) stage_objects(stager, transaction);
}

}  // namespace

void Stager::stage_small(std::uint64_t data, std::uint64_t data_bytes, std::uint64_t offsets,
                         std::uint64_t offsets_bytes) {
  const std::uint32_t needed = (data_bytes != 0 ? 1 : 0) + (offsets_bytes != 0 ? 1 : 0);
  const std::uint64_t room = kInlineStagingBytes - inline_used_;
  if (needed == 0 || needed > kMaxStagedRanges - ranges_ || data_bytes > room ||
      offsets_bytes > room || round_up(data_bytes) + offsets_bytes > room) {
    return;
  }
  if (data_bytes != 0 && !stage_inline(data, data_bytes)) return;
  if (offsets_bytes != 0) (void)stage_inline(offsets, offsets_bytes);
}

bool Stager::stage(std::uint64_t address, std::uint64_t bytes) {
  if (bytes == 0 || is_staged(address, bytes)) return true;
  if (ranges_ == kMaxStagedRanges) return false;
  return stage_inline(address, bytes) || stage_large(address, bytes);
}

void Stager::stage_file(int fd) {
  const auto known = files();
  if (file_count_ == kMaxRights || std::find(known.begin(), known.end(), fd) != known.end()) {
    return;
  }
  files_[file_count_++] = fd;
}

bool Stager::stage_inline(std::uint64_t address, std::uint64_t bytes) {
  if (bytes > kInlineStagingBytes - inline_used_) return false;
  if (!read_user(mailbox_.staging + inline_used_, address, bytes)) return false;
  mailbox_.staged[ranges_++] = {
      .address = address, .size = static_cast<std::uint32_t>(bytes), .place = inline_used_};
  inline_used_ = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(round_up(inline_used_ + bytes), kInlineStagingBytes));
  return true;
}

bool Stager::stage_large(std::uint64_t address, std::uint64_t bytes) {
  if (channel_memory_ < 0 || bytes > kStagingBytes - large_used_) return false;
  // Here the kernel copies from the program's memory, and finds out what can be read.
  const std::uint64_t start = staging_start(index_) + large_used_;
  std::uint64_t done = 0;
  while (done < bytes) {
    const ssize_t written = ::pwrite(channel_memory_, reinterpret_cast<const void*>(address + done),
                                     bytes - done, static_cast<off_t>(start + done));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    done += static_cast<std::uint64_t>(written);
  }
  mailbox_.staged[ranges_++] = {.address = address,
                                .size = static_cast<std::uint32_t>(bytes),
                                .place = kLargePlace | static_cast<std::uint32_t>(large_used_)};
  large_used_ = std::min(round_up(large_used_ + bytes), kStagingBytes);
  return true;
}

bool Stager::is_staged(std::uint64_t address, std::uint64_t bytes) const {
  for (std::uint32_t i = 0; i < ranges_; ++i) {
    const StagedRange& range = mailbox_.staged[i];
    if (address >= range.address && bytes <= range.size &&
        address - range.address <= range.size - bytes) {
      return true;
    }
  }
  return false;
}

std::uint64_t stage_transactions(Stager& stager, const std::byte* commands, std::uint64_t address,
                                 std::uint64_t bytes, bool everything) {
  const auto fetch = [&](std::uint64_t position, void* into, std::size_t size) {
    // The driver reads the last command to its end, even beyond the size that was given.
    if (commands == nullptr || position > bytes || size > bytes - position) {
      return read_user(into, address + position, size);
    }
    std::memcpy(into, commands + position, size);
    return true;
  };
  std::uint64_t position = 0;
  while (position < bytes) {
    std::uint32_t command = 0;
    if (!fetch(position, &command, sizeof command)) return position + sizeof command;
    position += sizeof command;
    binder_transaction_data transaction;
    if (is_transaction(command) && fetch(position, &transaction, sizeof transaction)) {
      stage_transaction(stager, transaction, everything);
    }
    position += _IOC_SIZE(command);
  }
  return position;
}

}  // namespace netbinder
