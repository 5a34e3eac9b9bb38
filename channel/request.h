// SPDX-License-Identifier: Apache-2.0
//
// A program's request in a mailbox. The agent copies a request before it looks at it and trusts
// nothing in it; whatever a program writes there can harm only the program itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "channel/limits.h"

namespace netbinder {

enum RequestOperation : std::uint32_t {
  kOpWriteRead = 1,  // BINDER_WRITE_READ
  kOpControl = 2,    // any other ioctl: `ioctl_command`, `argument`
  kOpMap = 3,        // mmap: `address`, `bytes`
  kOpFlush = 4,      // a descriptor was closed, others remain
  kOpClose = 5,      // the program's last descriptor is about to be closed; no response is awaited
};

enum RequestFlags : std::uint32_t {
  kFlagReads = 1,         // read_size was not 0
  kFlagFreshRead = 2,     // read_consumed was 0
  kFlagNonblocking = 4,   // O_NONBLOCK
  kFlagStaged = 8,        // do not read the program's memory: all there is is staged
  kFlagBadArgument = 16,  // kOpControl: the pointer could not be read
  kFlagPassedFiles = 32,  // descriptors in its payloads wait on the side socket (kFlagStaged only)
};

// Bytes of the program's memory that are sent along. `place` counts from the mailbox's inline
// staging (below kInlineStagingBytes) or, with kLargePlace added, from its staging area.
struct StagedRange {
  std::uint64_t address = 0;
  std::uint32_t size = 0;
  std::uint32_t place = 0;
};
inline constexpr std::uint32_t kLargePlace = 1U << 31;
static_assert(sizeof(StagedRange) == 16 && std::is_trivially_copyable_v<StagedRange>);
static_assert(kStagingBytes < kLargePlace);

struct MailboxRequest {
  std::uint32_t operation = 0;
  std::uint32_t flags = 0;
  std::uint32_t tid = 0;
  std::int32_t nice = 0;            // the thread's
  std::uint64_t address = 0;        // of the write buffer, from write_consumed; or of the mapping
  std::uint64_t bytes = 0;          // there; commands are in `commands` if <= kInlineCommandBytes
  std::uint32_t read_capacity = 0;  // room in the read buffer, from read_consumed
  std::uint32_t staged_ranges = 0;
  std::uint32_t ioctl_command = 0;  // kOpControl
  std::uint32_t reserved = 0;
};
static_assert(sizeof(MailboxRequest) == 48 && std::is_trivially_copyable_v<MailboxRequest>);

}  // namespace netbinder
