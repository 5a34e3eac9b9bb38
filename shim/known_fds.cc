// SPDX-License-Identifier: Apache-2.0
#include "shim/known_fds.h"

#include "shim/allocation.h"

namespace netbinder {

constinit std::atomic<KnownFds::Entry*> KnownFds::chunks_[kChunks] = {};

KnownFds::Entry* KnownFds::make(int fd) {
  const auto number = static_cast<unsigned>(fd);
  if (number >= kEntries) return nullptr;
  std::atomic<Entry*>& chunk = chunks_[number / kChunkEntries];
  if (chunk.load(std::memory_order_relaxed) == nullptr) {
    Entry* const entries = make_objects<Entry>(kChunkEntries);
    if (entries == nullptr) return nullptr;
    chunk.store(entries, std::memory_order_release);
  }
  return find_entry(fd);
}

int KnownFds::next(unsigned first, unsigned last) {
  for (unsigned number = first; number <= last && number < kEntries; ++number) {
    const Entry* const entry = find_entry(static_cast<int>(number));
    if (entry == nullptr) {
      number |= kChunkEntries - 1;  // the rest of the chunk is as empty
    } else if (entry->load(std::memory_order_acquire) != 0) {
      return static_cast<int>(number);
    }
  }
  return -1;
}

}  // namespace netbinder
