// SPDX-License-Identifier: Apache-2.0
#include "shim/channel_memory.h"

#include <sys/mman.h>

#include <cerrno>

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

// From the system and not from malloc, as this may be a signal handler's call. Fresh memory of the
// system is zero, and so are places that are free.
std::atomic<std::byte*>* ChannelMemory::area_place(std::uint32_t index) {
  if (std::atomic<std::byte*>* const known = known_area_place(index)) return known;
  const int saved_errno = errno;
  void* const made = real::mmap(nullptr, sizeof(AreaChunk), PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  errno = saved_errno;
  if (made == MAP_FAILED) return nullptr;
  AreaChunk* expected = nullptr;
  if (!areas_[index / kAreasInChunk].compare_exchange_strong(
          expected, static_cast<AreaChunk*>(made), std::memory_order_acq_rel)) {
    real::munmap(made, sizeof(AreaChunk));  // another thread was faster
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
  for (std::atomic<AreaChunk*>& each : areas_) {
    AreaChunk* const chunk = each.exchange(nullptr, std::memory_order_acq_rel);
    if (chunk == nullptr) continue;
    for (std::atomic<std::byte*>& place : *chunk) {
      std::byte* const start = place.load(std::memory_order_relaxed);
      if (start != nullptr) real::munmap(start, kStagingBytes);
    }
    real::munmap(chunk, sizeof(AreaChunk));
  }
}

}  // namespace netbinder
