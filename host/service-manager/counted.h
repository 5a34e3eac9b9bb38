// SPDX-License-Identifier: Apache-2.0
//
// Counts something for each key; keys with a count of zero take no memory.
#pragma once

#include <cstddef>
#include <map>

#include "core/base/check.h"

namespace netbinder {

template <typename Key>
class Counted {
 public:
  [[nodiscard]] std::size_t of(Key key) const {
    const auto found = counts_.find(key);
    return found == counts_.end() ? 0 : found->second;
  }
  void add(Key key) { ++counts_[key]; }
  void remove(Key key) {
    const auto found = counts_.find(key);
    NB_CHECK(found != counts_.end());
    if (--found->second == 0) counts_.erase(found);
  }

 private:
  std::map<Key, std::size_t> counts_;
};

}  // namespace netbinder
