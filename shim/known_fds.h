// SPDX-License-Identifier: Apache-2.0
//
// A word for each file descriptor number of this process. 0 means that the number is not ours; the
// users of this table define what another word means (shim/descriptor_table.h). It knows nothing of
// the files behind the numbers.
//
// Lookups take no lock and cost two loads. Changes are made under the state lock. Any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace netbinder {

class KnownFds {
 public:
  using Entry = std::atomic<std::uintptr_t>;

  // Larger descriptor numbers have no entry.
  static constexpr unsigned kEntries = 1U << 20;

  static std::uintptr_t find(int fd) {
    const Entry* const entry = find_entry(fd);
    return entry == nullptr ? 0 : entry->load(std::memory_order_acquire);
  }

  // The entry of a number, to be changed; it is made if need be. Null if the number is too large or
  // memory is short. With the state lock held.
  static Entry* make(int fd);

  // With the state lock held.
  static void forget(int fd) {
    Entry* const entry = find_entry(fd);
    if (entry != nullptr) entry->store(0, std::memory_order_release);
  }

  // The lowest number in [first, last] whose word is not 0, or -1.
  static int next(unsigned first, unsigned last);

 private:
  static constexpr std::size_t kChunkEntries = 1024;
  static constexpr std::size_t kChunks = kEntries / kChunkEntries;

  static Entry* find_entry(int fd) {
    const auto number = static_cast<unsigned>(fd);
    if (number >= kEntries) return nullptr;
    Entry* const chunk = chunks_[number / kChunkEntries].load(std::memory_order_acquire);
    return chunk == nullptr ? nullptr : &chunk[number % kChunkEntries];
  }

  static std::atomic<Entry*> chunks_[kChunks];
};

}  // namespace netbinder
