// SPDX-License-Identifier: Apache-2.0
#include "node-agent/staged_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

namespace netbinder {

bool StagedMemory::read(std::uint32_t mailbox, Cursor& cursor, std::uint64_t address,
                        std::span<std::byte> into) {
  const auto try_to_read = [&](std::uint32_t number) -> std::optional<bool> {
    const StagedRange found = range(mailbox, number);
    if (address < found.address || into.size() > found.size ||
        address - found.address > found.size - into.size()) {
      return std::nullopt;
    }
    const bool copied = copy(mailbox, found, address - found.address, into);
    if (copied) cursor.next = number;
    return copied;
  };
  // Usually it is the range that was read last, or the next one. A call that has to wait before it
  // is made is read once more.
  const std::uint32_t start = cursor.next;
  const std::uint32_t end =
      cursor.ranges - start > kLookahead ? start + kLookahead : cursor.ranges;
  for (std::uint32_t number = start; number < end; ++number) {
    if (const auto result = try_to_read(number)) return *result;
  }
  const std::uint32_t begin = start > kLookahead ? start - kLookahead : 0;
  for (std::uint32_t number = start; number-- > begin;) {
    if (const auto result = try_to_read(number)) return *result;
  }
  return false;
}

StagedRange StagedMemory::range(std::uint32_t mailbox, std::uint32_t number) {
  StagedRange found;
  if (number < kInlineRanges) {
    std::memcpy(&found, &mailbox_of(mailbox).staged[number], sizeof found);
    return found;
  }
  if (!block_) block_ = std::make_unique<Block>();
  Block& block = *block_;
  if (block.mailbox != mailbox || number < block.first || number - block.first >= block.count) {
    // The table grows downwards: the last of the block comes first.
    const std::uint32_t last = std::min(number + kBlockRanges - 1, kMaxStagedRanges - 1);
    block.mailbox = mailbox;
    block.first = number;
    block.count = last - number + 1;
    const std::span ranges = std::span(block.ranges).first(block.count);
    if (!read_area(mailbox, overflow_range_place(last), std::as_writable_bytes(ranges))) {
      block.count = 0;
      return {};
    }
    std::ranges::reverse(ranges);
  }
  return block.ranges[number - block.first];
}

bool StagedMemory::copy(std::uint32_t mailbox, const StagedRange& range, std::uint64_t skip,
                        std::span<std::byte> into) {
  if ((range.place & kLargePlace) == 0) {
    if (range.place > kInlineStagingBytes || range.size > kInlineStagingBytes - range.place) {
      return false;
    }
    std::memcpy(into.data(), mailbox_of(mailbox).staging + range.place + skip, into.size());
    bytes_.mailbox += into.size();
    return true;
  }
  const std::uint64_t place = range.place & ~kLargePlace;
  if (place > kStagingBytes || range.size > kStagingBytes - place) return false;
  return read_area(mailbox, place + skip, into);
}

namespace {

// Whether all pages of the mapping's part are in memory.
bool all_present(std::byte* start, std::size_t bytes) {
  static const std::uintptr_t page_bytes = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<std::uintptr_t>(start);
  const std::uintptr_t first = address & ~(page_bytes - 1);
  const std::size_t pages = (address + bytes - first + page_bytes - 1) / page_bytes;
  std::array<unsigned char, kMaxMapBytes / 4096 + 2> present;
  if (pages > present.size() ||
      ::mincore(reinterpret_cast<void*>(first), pages * page_bytes, present.data()) != 0) {
    return false;
  }
  return std::all_of(present.begin(), present.begin() + static_cast<std::ptrdiff_t>(pages),
                     [](unsigned char page) { return (page & 1) != 0; });
}

}  // namespace

// Reads from the mapping if all pages are there, as that costs half of what pread does. A read of
// the mapping would allocate missing pages at the agent's cost, so they are left to pread. (A page
// that is dropped in between is allocated after all: no harm, as its program could have had it.)
bool StagedMemory::read_area(std::uint32_t mailbox, std::uint64_t place,
                             std::span<std::byte> into) {
  std::byte* const mapped = area(mailbox);
  if (mapped != nullptr && all_present(mapped + place, into.size())) {
    std::memcpy(into.data(), mapped + place, into.size());
    bytes_.mapped += into.size();
    return true;
  }
  const std::uint64_t start = staging_start(mailbox) + place;
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t got = ::pread(channel_.program_fd(), into.data() + done, into.size() - done,
                                static_cast<off_t>(start + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    done += static_cast<std::size_t>(got);
  }
  bytes_.file += into.size();
  return true;
}

std::byte* StagedMemory::area(std::uint32_t mailbox) {
  if (mapped_.empty()) mapped_.resize(kMailboxes / kAreasMapped);
  std::byte*& start = mapped_[mailbox / kAreasMapped];
  if (start == nullptr) {
    void* const memory =
        ::mmap(nullptr, kMappedBytes, PROT_READ, MAP_SHARED | MAP_NORESERVE, channel_.program_fd(),
               static_cast<off_t>(staging_start(mailbox - mailbox % kAreasMapped)));
    if (memory == MAP_FAILED) return nullptr;
    start = static_cast<std::byte*>(memory);
  }
  return start + std::size_t{mailbox % kAreasMapped} * kStagingBytes;
}

StagedMemory::~StagedMemory() {
  for (std::byte* const start : mapped_) {
    if (start != nullptr) ::munmap(start, kMappedBytes);
  }
}

}  // namespace netbinder
