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

void ChannelMemory::trim_staging(std::uint32_t index, std::uint64_t start) {
  std::byte* const area = areas_[index].load(std::memory_order_acquire);
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
  for (std::atomic<std::byte*>& each : areas_) {
    std::byte* const start = each.exchange(nullptr, std::memory_order_acq_rel);
    if (start != nullptr) real::munmap(start, kStagingBytes);
  }
}

}  // namespace netbinder
