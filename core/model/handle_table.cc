// SPDX-License-Identifier: Apache-2.0
#include "core/model/handle_table.h"

#include <algorithm>
#include <bit>

#include "core/base/check.h"

namespace netbinder {

Handle HandleTable::lowest_free(Handle lowest) const {
  NB_CHECK(lowest.value() <= 1);
  for (std::uint32_t word = full_words_; word < used_.size(); ++word) {
    std::uint64_t taken = used_[word];
    if (word == 0 && lowest == Handle{1}) taken |= 1;
    if (taken != UINT64_MAX) {
      return Handle{word * 64 + static_cast<std::uint32_t>(std::countr_one(taken))};
    }
  }
  return std::max(Handle{static_cast<std::uint32_t>(used_.size()) * 64}, lowest);
}

void HandleTable::insert(Handle handle, ProcessRef* ref) {
  const std::uint32_t index = handle.value();
  NB_CHECK(find(handle) == nullptr && ref != nullptr);
  if (index >= refs_.size()) refs_.resize(std::size_t{index} + 1);
  if (index / 64 >= used_.size()) used_.resize(std::size_t{index} / 64 + 1);
  refs_[index] = ref;
  used_[index / 64] |= std::uint64_t{1} << (index % 64);
  while (full_words_ < used_.size() && used_[full_words_] == UINT64_MAX) ++full_words_;
  empty_words_ = std::min(empty_words_, index / 64);
  ++count_;
}

void HandleTable::erase(Handle handle) {
  NB_CHECK(find(handle) != nullptr);
  const std::uint32_t index = handle.value();
  refs_[index] = nullptr;
  used_[index / 64] &= ~(std::uint64_t{1} << (index % 64));
  full_words_ = std::min(full_words_, index / 64);
  while (empty_words_ < used_.size() && used_[empty_words_] == 0) ++empty_words_;
  --count_;
}

ProcessRef* HandleTable::first(Handle from) const {
  const std::uint32_t start = from.value() / 64;
  for (std::uint32_t word = std::max(start, empty_words_); word < used_.size(); ++word) {
    std::uint64_t taken = used_[word];
    if (word == start) taken &= UINT64_MAX << (from.value() % 64);
    if (taken != 0) return refs_[word * 64 + static_cast<std::uint32_t>(std::countr_zero(taken))];
  }
  return nullptr;
}

std::vector<ProcessRef*> HandleTable::all() const {
  std::vector<ProcessRef*> refs;
  refs.reserve(count_);
  for (ProcessRef* ref : refs_) {
    if (ref != nullptr) refs.push_back(ref);
  }
  return refs;
}

}  // namespace netbinder
