// SPDX-License-Identifier: Apache-2.0
//
// A process's handles: each new ref gets the lowest free number, 0 only for the context manager.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/ids.h"

namespace netbinder {

class ProcessRef;

class HandleTable {
 public:
  // The lowest free handle not below `lowest`, which is 0 or 1.
  [[nodiscard]] Handle lowest_free(Handle lowest) const;
  void insert(Handle handle, ProcessRef* ref);
  void erase(Handle handle);
  // The ref of a handle, or null.
  [[nodiscard]] ProcessRef* find(Handle handle) const {
    return handle.value() < refs_.size() ? refs_[handle.value()] : nullptr;
  }
  [[nodiscard]] std::size_t size() const { return count_; }
  // The ref of the lowest handle that is taken, not below `from`; null: there is none.
  [[nodiscard]] ProcessRef* first(Handle from) const;
  // All refs by ascending handle.
  [[nodiscard]] std::vector<ProcessRef*> all() const;

 private:
  std::vector<ProcessRef*> refs_;    // by handle; null is free
  std::vector<std::uint64_t> used_;  // a bit for each handle
  std::uint32_t full_words_ = 0;     // words below this one have no free bit
  std::size_t count_ = 0;
  std::uint32_t empty_words_ = 0;  // words below this one have no bit set
};

}  // namespace netbinder
