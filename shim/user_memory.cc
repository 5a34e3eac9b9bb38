// SPDX-License-Identifier: Apache-2.0
#include "shim/user_memory.h"

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "shim/process_state.h"

namespace netbinder {
namespace {

constexpr std::uint64_t kPageBytes = 4096;   // larger pages only make this too careful
constexpr std::size_t kRememberedPages = 7;  // a cache line of them, with the counters

constinit std::atomic<std::uint32_t> mapping_epoch = 1;
// The system refuses copies within this process. Then only plain access is left.
constinit std::atomic<bool> refused = false;

// The last pages, whichever they are: a thread's calls use the same few over and over. A page is
// remembered by its number; no page has the number 0.
struct alignas(64) PageCache {
  std::array<std::uint64_t, kRememberedPages> pages;
  std::uint32_t oldest;
  std::uint32_t epoch;

  [[nodiscard]] bool has(std::uint64_t page) const {
    return page != 0 && std::find(pages.begin(), pages.end(), page) != pages.end();
  }
  void add(std::uint64_t page) { pages[oldest++ % kRememberedPages] = page; }
};
static_assert(sizeof(PageCache) == 64);

constinit thread_local PageCache readable_pages{};
constinit thread_local PageCache writable_pages{};

PageCache& up_to_date(PageCache& cache) {
  const std::uint32_t epoch = mapping_epoch.load(std::memory_order_acquire);
  if (cache.epoch != epoch) {
    cache = {};
    cache.epoch = epoch;
  }
  return cache;
}

enum class Direction { kRead, kWrite };

bool copy_by_kernel(Direction direction, void* own, std::uint64_t address, std::size_t size) {
  if (!refused.load(std::memory_order_relaxed)) {
    const iovec here{.iov_base = own, .iov_len = size};
    const iovec there{.iov_base = reinterpret_cast<void*>(address), .iov_len = size};
    const ssize_t copied = direction == Direction::kRead
                               ? ::process_vm_readv(process_id(), &here, 1, &there, 1, 0)
                               : ::process_vm_writev(process_id(), &here, 1, &there, 1, 0);
    if (copied >= 0) return static_cast<std::size_t>(copied) == size;
    if (errno != EPERM && errno != ENOSYS) return false;
    refused.store(true, std::memory_order_relaxed);
  }
  if (address < kPageBytes) return false;
  if (direction == Direction::kRead) {
    std::memcpy(own, reinterpret_cast<const void*>(address), size);
  } else {
    std::memcpy(reinterpret_cast<void*>(address), own, size);
  }
  return true;
}

bool copy(Direction direction, void* own, std::uint64_t address, std::size_t size) {
  if (size == 0) return true;
  if (address + size < address) return false;
  // The kernel copies large pieces best: it takes one call, and nothing is worth remembering.
  if (size > 2 * kPageBytes) return copy_by_kernel(direction, own, address, size);
  PageCache& cache = up_to_date(direction == Direction::kRead ? readable_pages : writable_pages);
  auto* at = static_cast<std::byte*>(own);
  while (size > 0) {
    const std::uint64_t page = address / kPageBytes;
    const std::size_t part = std::min<std::size_t>(size, kPageBytes - address % kPageBytes);
    if (!cache.has(page)) {
      if (!copy_by_kernel(direction, at, address, part)) return false;
      cache.add(page);
    } else if (direction == Direction::kRead) {
      std::memcpy(at, reinterpret_cast<const void*>(address), part);
    } else {
      std::memcpy(reinterpret_cast<void*>(address), at, part);
    }
    at += part;
    address += part;
    size -= part;
  }
  return true;
}

}  // namespace

bool read_user(void* into, std::uint64_t address, std::size_t size) {
  return copy(Direction::kRead, into, address, size);
}

bool write_user(std::uint64_t address, const void* from, std::size_t size) {
  return copy(Direction::kWrite, const_cast<void*>(from), address, size);
}

std::size_t writable_prefix(std::uint64_t address, std::size_t size) {
  PageCache& cache = up_to_date(writable_pages);
  std::size_t good = 0;
  while (good < size) {
    const std::uint64_t at = address + good;
    if (at < address) break;
    const std::uint64_t page = at / kPageBytes;
    if (!cache.has(page)) {
      std::byte value{};
      if (!copy_by_kernel(Direction::kRead, &value, at, 1) ||
          !copy_by_kernel(Direction::kWrite, &value, at, 1)) {
        break;
      }
      cache.add(page);
    }
    good += std::min<std::size_t>(size - good, kPageBytes - at % kPageBytes);
  }
  return good;
}

std::size_t readable_prefix(std::uint64_t address, std::size_t size) {
  std::size_t good = 0;
  while (good < size) {
    const std::uint64_t at = address + good;
    std::byte value{};
    if (at < address || !read_user(&value, at, 1)) break;
    good += std::min<std::size_t>(size - good, kPageBytes - at % kPageBytes);
  }
  return good;
}

void forget_user_pages() { mapping_epoch.fetch_add(1, std::memory_order_release); }

}  // namespace netbinder
