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
  kOpUnmap = 6,      // munmap: `address`, `bytes`
};

enum RequestFlags : std::uint32_t {
  kFlagReads = 1,         // read_size was not 0
  kFlagFreshRead = 2,     // read_consumed was 0
  kFlagNonblocking = 4,   // O_NONBLOCK
  kFlagBadArgument = 8,   // kOpControl: the pointer could not be read
  kFlagPassedFiles = 16,  // the descriptors in its payloads wait on the side socket
  kFlagIdentity = 32,     // an IdentityMessage waits there
};

// Bytes of the program's memory that are sent along: the agent never reads that memory itself.
// `place` counts from the mailbox's inline staging (below kInlineStagingBytes) or, with kLargePlace
// added, from its staging area. The ranges of a request are in the order in which the driver reads
// them: commands that are not inline, then for each transaction its offsets, its data, and the
// buffers of its objects. The first kInlineRanges are in the mailbox; number n of the others is at
// overflow_range_place(n) of the staging area.
struct StagedRange {
  std::uint64_t address = 0;
  std::uint32_t size = 0;
  std::uint32_t place = 0;
};
inline constexpr std::uint32_t kLargePlace = 1U << 31;
static_assert(sizeof(StagedRange) == 16 && std::is_trivially_copyable_v<StagedRange>);
static_assert(kStagingBytes < kLargePlace);

// They grow downwards from the end of the staging area. `n` counts from kInlineRanges.
constexpr std::uint64_t overflow_range_place(std::uint32_t n) {
  return kStagingBytes - (std::uint64_t{n - kInlineRanges} + 1) * sizeof(StagedRange);
}
static_assert(overflow_range_place(kMaxStagedRanges - 1) > (4U << 20));

struct MailboxRequest {
  std::uint32_t operation = 0;
  std::uint32_t flags = 0;
  std::uint32_t tid = 0;
  std::int32_t nice = 0;            // the thread's
  std::uint64_t address = 0;        // of the write buffer, from write_consumed; or of the mapping
  std::uint64_t bytes = 0;          // there; commands are in `commands` if <= kInlineCommandBytes,
                                    // else staged
  std::uint32_t read_capacity = 0;  // room in the read buffer, from read_consumed
  std::uint32_t staged_ranges = 0;
  std::uint32_t ioctl_command = 0;  // kOpControl
  std::uint32_t reserved = 0;
};
static_assert(sizeof(MailboxRequest) == 48 && std::is_trivially_copyable_v<MailboxRequest>);

}  // namespace netbinder
