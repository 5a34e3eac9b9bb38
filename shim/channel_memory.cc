// SPDX-License-Identifier: Apache-2.0
#include "shim/channel_memory.h"

#include <sys/mman.h>

#include <cerrno>

#include "shim/allocation.h"
#include "shim/real_calls.h"

namespace netbinder {

std::byte* ChannelMemory::map(int fd, std::atomic<std::byte*>& place, std::uint64_t offset,
                              std::uint64_t bytes) {
  const int saved_errno = errno;
  void* const memory = real::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
                                  static_cast<off_t>(offset));
  errno = saved_errno;
  if (memory == MAP_FAILED) return nullptr;
  std::byte* known = nullptr;
  auto* const made = static_cast<std::byte*>(memory);
  if (place.compare_exchange_strong(known, made, std::memory_order_acq_rel)) return made;
  real::munmap(memory, bytes);  // another thread was faster
  return known;
}

std::atomic<std::byte*>* ChannelMemory::area_place(std::uint32_t index) {
  if (std::atomic<std::byte*>* const known = known_area_place(index)) return known;
  auto* const made = reinterpret_cast<AreaChunk*>(
      make_objects<std::atomic<std::byte*>>(kAreasInChunk));
  if (made == nullptr) return nullptr;
  AreaChunk* expected = nullptr;
  if (!areas_[index / kAreasInChunk].compare_exchange_strong(expected, made,
                                                             std::memory_order_acq_rel)) {
    std::free(made);  // another thread was faster
  }
  return known_area_place(index);
}

void ChannelMemory::trim_staging(std::uint32_t index, std::uint64_t start) {
  std::atomic<std::byte*>* const place = known_area_place(index);
  std::byte* const area = place == nullptr ? nullptr : place->load(std::memory_order_acquire);
  if (area == nullptr) return;
  const int saved_errno = errno;
  (void)::madvise(area + start, kStagingBytes - start, MADV_REMOVE);
  errno = saved_errno;
}

void ChannelMemory::end() {
  for (std::atomic<std::byte*>& each : pieces_) {
    std::byte* const start = each.exchange(nullptr, std::memory_order_acq_rel);
    if (start != nullptr) real::munmap(start, kPieceBytes);
  }
  for (std::uint32_t index = 0; index < kMailboxes; ++index) {
    std::atomic<std::byte*>* const place = known_area_place(index);
    if (place == nullptr) {
      index |= kAreasInChunk - 1;  // the rest of the chunk is as empty
      continue;
    }
    std::byte* const start = place->exchange(nullptr, std::memory_order_acq_rel);
    if (start != nullptr) real::munmap(start, kStagingBytes);
  }
}

}  // namespace netbinder
