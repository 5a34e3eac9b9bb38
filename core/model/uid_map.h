// SPDX-License-Identifier: Apache-2.0
//
// How the users of another host are mapped to users here. A plain value; without rules, each is the
// same here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace netbinder {

class UidMap {
 public:
  void add(std::uint32_t there, std::uint32_t here) { known_[there] = here; }
  // All users without an entry become this one.
  void set_others(std::uint32_t here) { others_ = here; }

  [[nodiscard]] std::uint32_t here(std::uint32_t there) const {
    const auto found = known_.find(there);
    return found != known_.end() ? found->second : others_.value_or(there);
  }
  friend bool operator==(const UidMap&, const UidMap&) = default;

 private:
  std::map<std::uint32_t, std::uint32_t> known_;
  std::optional<std::uint32_t> others_;
};

}  // namespace netbinder
